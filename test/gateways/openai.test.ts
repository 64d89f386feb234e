import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ChatOpenAI } from '@langchain/openai'
import { streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, createAvee, registerUser, type TestUser, uploadFiles } from '../builders.ts'
import { type ScriptedOllama, startOllama, startOpenAi } from '../model-servers.ts'

const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A chat request as received by the model server. */
type ReceivedChat = {
  messages: { content: string; images?: string[] }[]
  options: object
  format?: object
}

describe('the OpenAI protocol', () => {
  let ollama: ScriptedOllama
  let app: TestApp
  let owner: TestUser
  let client: OpenAI
  let avee: { id: string; handle: string }

  const createKey = async (user: TestUser, fields: object = {}) =>
    bodyOf(await user.client.post<{ key: string }>('/api-keys', { name: 'key', ...fields })).key
  const connect = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${app.url}/v1`, maxRetries: 0 })
  const ask = (question: string) => [{ role: 'user' as const, content: question }]
  const lastRequest = () => ollama.requestsTo('/api/chat').at(-1)?.body as unknown as ReceivedChat

  beforeAll(async () => {
    ollama = await startOllama()
    ollama.models.push({ name: 'llava:7b', capabilities: ['completion', 'vision'] })
    app = await startApp({ OLLAMA_BASE_URL: ollama.url })
    owner = await registerUser(app)
    avee = await createAvee(owner.client, { persona: 'You weave.' })
    await uploadFiles(
      owner.client,
      [{ name: 'looms.txt', content: 'A loom in the north hall weaves blue cloth every day.' }],
      { avee: avee.id, layer: 'friends' },
    )
    client = connect(await createKey(owner))
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await ollama[Symbol.asyncDispose]()
  })

  test('lists avees, the library and models', async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining([`avee/${avee.handle}`, 'avee/local', 'llama3.2:1b']))
    expect(await client.models.retrieve(`avee/${avee.handle}`)).toMatchObject({ owned_by: 'gabee' })
    await expect(client.models.retrieve('avee/nobody')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    // OpenAI's client for Python does not encode the slash.
    const unencoded = await owner.client.get(`/v1/models/avee/${avee.handle}`)
    expect(unencoded).toMatchObject({ status: 200, body: { id: `avee/${avee.handle}`, owned_by: 'gabee' } })
    expect(await owner.client.get('/v1/models/avee/nobody')).toMatchObject({
      status: 404,
      body: { error: { code: 'model_not_found' } },
    })
  })

  test('answers as an avee, with its persona, its documents and the messages as history', async () => {
    ollama.script('/api/chat', { tokens: ['Blue ', 'cloth ', '[1].'] })
    const { data, response } = await client.chat.completions
      .create({
        model: `avee/${avee.handle}`,
        messages: [
          { role: 'system', content: 'Use few words.' },
          { role: 'user', content: 'Hello.' },
          { role: 'assistant', content: 'Good day.' },
          { role: 'user', content: 'What does the loom in the north hall weave?' },
        ],
        temperature: 0.2,
        top_p: 0.9,
        seed: 7,
        stop: ['END'],
        max_tokens: 50,
      })
      .withResponse()
    const run = response.headers.get('x-run-id')
    expect(data).toMatchObject({
      id: `chatcmpl-${run}`,
      model: `avee/${avee.handle}`,
      choices: [{ finish_reason: 'stop', message: { role: 'assistant', content: 'Blue cloth [1].' } }],
    })
    expect(data.usage?.completion_tokens).toBeGreaterThan(0)
    const [annotation] = data.choices[0]?.message.annotations ?? []
    expect(annotation?.url_citation).toMatchObject({ title: 'looms', start_index: 11, end_index: 14 })
    const passage = await owner.client.get<{ text: string }>(
      new URL(annotation?.url_citation.url ?? '').pathname,
    )
    expect(bodyOf(passage).text).toContain('blue cloth')

    const { messages, options } = lastRequest()
    expect(options).toMatchObject({ temperature: 0.2, top_p: 0.9, seed: 7, stop: ['END'], num_predict: 50 })
    expect(messages[0]?.content).toMatch(/You weave\.[\s\S]*Stay in character[\s\S]*Use few words\./)
    expect(messages.slice(1, 3)).toMatchObject([{ content: 'Hello.' }, { content: 'Good day.' }])
    expect(messages[3]?.content).toContain('blue cloth')
    expect(bodyOf(await owner.client.get('/conversations'))).toMatchObject({ conversations: [] })
    const rows = await app.app.database.db.selectFrom('completions').selectAll().execute()
    expect(rows).toMatchObject([{ request: null, content: null }])
    expect(bodyOf(await owner.client.get('/admin/usage'))).toMatchObject({
      usage: [{ user_id: owner.session.user.id, model: 'llama3.2:1b', questions: 1 }],
    })
  })

  test('streams with usage and annotations, and can be read again', async () => {
    ollama.script('/api/chat', { tokens: ['Blue ', 'cloth ', '[1].'] })
    const { data: stream, response } = await client.chat.completions
      .create({
        model: `avee/${avee.handle}`,
        messages: ask('What does the loom in the north hall weave?'),
        stream: true,
        stream_options: { include_usage: true },
      })
      .withResponse()
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' })
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Blue cloth [1].')
    expect(chunks.at(-3)?.choices[0]?.delta).toMatchObject({
      content: '',
      annotations: [{ type: 'url_citation' }],
    })
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } })

    const again = await owner.client.fetch(`/runs/${response.headers.get('x-run-id')}/events`, {
      headers: { 'last-event-id': '1' },
    })
    const replayed = (await again.text()).match(/^data: .*$/gm)?.slice(0, -1) ?? []
    expect(replayed.map((line) => JSON.parse(line.slice(6)))).toEqual(chunks.slice(1))
  })

  test('stores and continues a conversation only when asked to', async () => {
    const first = await client.chat.completions.create({
      model: 'avee/local',
      messages: ask('My cat is Tom.'),
      store: true,
    })
    const { conversation_id = '' } = (first as { metadata?: { conversation_id?: string } }).metadata ?? {}
    await client.chat.completions.create({
      model: 'avee/local',
      messages: ask('Who is Tom?'),
      metadata: { conversation_id },
    })
    expect(lastRequest().messages.slice(1, 2)).toMatchObject([{ content: 'My cat is Tom.' }])
    const stored = await owner.client.get<{ messages: object[] }>(
      `/conversations/${conversation_id}/messages`,
    )
    expect(bodyOf(stored).messages).toHaveLength(4)
    const elsewhere = client.chat.completions.create({
      model: `avee/${avee.handle}`,
      messages: ask('Hello?'),
      metadata: { conversation_id },
    })
    await expect(elsewhere).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  test('passes tools, images and schemas on to a plain model that has them', async () => {
    const tools = [
      {
        type: 'function' as const,
        function: { name: 'weather', parameters: { type: 'object', properties: {} } },
      },
    ]
    ollama.script('/api/chat', { tokens: [], toolCalls: [{ name: 'weather', arguments: { city: 'Turin' } }] })
    const called = await client.chat.completions.create({
      model: 'llama3.2:1b',
      messages: ask('How is it in Turin?'),
      tools,
    })
    const [choice] = called.choices
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ type: 'function', function: { name: 'weather' } }] },
    })
    ollama.script('/api/chat', { tokens: ['{"sun":true}'] })
    const answered = await client.chat.completions.create({
      model: 'llama3.2:1b',
      messages: [
        ...ask('How is it in Turin?'),
        choice?.message as OpenAI.ChatCompletionMessage,
        { role: 'tool', tool_call_id: choice?.message.tool_calls?.[0]?.id ?? '', content: 'Sunny.' },
      ],
      tools,
      response_format: { type: 'json_schema', json_schema: { name: 'w', schema: { type: 'object' } } },
    })
    expect(answered.choices[0]?.message.content).toBe('{"sun":true}')
    expect(lastRequest()).toMatchObject({
      format: { type: 'object' },
      messages: [{}, { tool_calls: [{}] }, { content: 'Sunny.' }],
    })

    const see = (model: string) =>
      client.chat.completions.create({
        model,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is it?' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } },
            ],
          },
        ],
      })
    await see('llava:7b')
    expect(lastRequest().messages[0]?.images).toEqual([pixel])
    await expect(see('llama3.2:1b')).rejects.toMatchObject({ status: 400, param: 'messages' })
    await expect(see(`avee/${avee.handle}`)).rejects.toMatchObject({ status: 400, param: 'messages' })
  })

  test('streams tool calls', async () => {
    ollama.script('/api/chat', { tokens: ['Let me see.'], toolCalls: [{ name: 'weather', arguments: {} }] })
    const stream = client.chat.completions.stream({
      model: 'llama3.2:1b',
      messages: ask('How is it?'),
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
    })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Let me see.', tool_calls: [{ function: { name: 'weather', arguments: '{}' } }] },
    })
  })

  test('answers with the error classes of the client', async () => {
    const create = (using: OpenAI, body: object = {}) =>
      using.chat.completions.create({ model: 'avee/local', messages: ask('Hello?'), ...body })
    await expect(create(connect('sk-unknown'))).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    const reading = connect(await createKey(owner, { scopes: ['read'] }))
    await expect(create(reading)).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError)
    await expect(create(client, { model: 'nothing' })).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(create(client, { temperature: 3 })).rejects.toMatchObject({
      status: 400,
      param: 'temperature',
      code: 'invalid_fields',
    })
    for (const [field, value] of [
      ['n', 2],
      ['logprobs', true],
      ['tools', [{ type: 'function', function: { name: 'x' } }]],
      ['response_format', { type: 'json_object' }],
    ] as const)
      await expect(create(client, { [field]: value })).rejects.toMatchObject({ status: 400, param: field })
    const url = 'data:image/png;base64,iVBORw0KGgo='
    const input_image = { type: 'input_image' as const, image_url: url, detail: 'auto' as const }
    await expect(
      client.responses.create({ model: 'avee/local', input: [{ role: 'user', content: [input_image] }] }),
    ).rejects.toMatchObject({ status: 400, param: 'input' })
    const hasty = connect(await createKey(owner, { requests_per_minute: 1 }))
    await hasty.models.list()
    await expect(create(hasty)).rejects.toBeInstanceOf(OpenAI.RateLimitError)
    await expect(create(client, { messages: [] })).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    await expect(
      client.post('/chat/completions', {
        body: { model: 'llama3.2:1b', messages: ask('Hi'), functions: [{}] },
      }),
    ).rejects.toMatchObject({
      status: 400,
      param: 'functions',
      message: expect.stringContaining('The field functions is not supported; leave it out.'),
    })
    await expect(client.post('/nowhere')).rejects.toMatchObject({ status: 404, type: 'not_found_error' })
    ollama.script('/api/chat', { status: 500 })
    await expect(create(client, { model: 'llama3.2:1b' })).rejects.toBeInstanceOf(OpenAI.InternalServerError)
  })

  test('returns 413 in the format of OpenAI for a body that is too large', async () => {
    const huge = 'x'.repeat(17 * 1024 * 1024)
    await expect(
      client.chat.completions.create({ model: 'llama3.2:1b', messages: ask(huge) }),
    ).rejects.toMatchObject({ status: 413, type: 'invalid_request_error', code: 'too_large' })
  })

  test('answers with a fallback while a plain model is unavailable', async () => {
    await using spare = await startOpenAi({ models: [{ id: 'spare-model' }] })
    await using busy = await startOllama()
    busy.script('/api/chat', { status: 503, retryAfter: 60 })
    const providers = [
      { kind: 'openai', name: 'spare', base_url: spare.url },
      { kind: 'ollama', name: 'busy', base_url: busy.url },
      { kind: 'ollama', name: 'away', base_url: 'http://127.0.0.1:9' },
    ]
    const ids: string[] = []
    for (const provider of providers)
      ids.push(bodyOf(await owner.client.post<{ id: string }>('/providers', provider)).id)
    bodyOf(await owner.client.put('/models/fallbacks', { models: ['spare/spare-model'] }))
    for (const model of ['busy/llama3.2:1b', 'away/llama3.2:1b']) {
      spare.script('/v1/chat/completions', { tokens: ['Here ', 'I am.'] })
      const { data, response } = await client.chat.completions
        .create({ model, messages: ask('Are you there?') })
        .withResponse()
      expect(data.choices[0]?.message.content).toBe('Here I am.')
      const log = await owner.client.fetch(`/runs/${response.headers.get('x-run-id')}/events?format=gabee`)
      expect(await log.text()).toContain(`"provider":"spare","remote":false,"fallback_from":"${model}"`)
    }
    const { usage } = bodyOf(
      await owner.client.get<{ usage: { model: string; questions: number }[] }>('/admin/usage'),
    )
    expect(usage).toContainEqual(expect.objectContaining({ model: 'spare-model', questions: 2 }))
    for (const id of ids) bodyOf(await owner.client.delete(`/providers/${id}`))
    bodyOf(await owner.client.put('/models/fallbacks', { models: [] }))
  })

  test('ends a stream that fails midway with an error event', async () => {
    ollama.script('/api/chat', { tokens: ['One ', 'two '], fault: 'error', afterTokens: 1 })
    const stream = await client.chat.completions.create({
      model: 'llama3.2:1b',
      messages: ask('Count.'),
      stream: true,
    })
    const read = async () => {
      for await (const _ of stream);
    }
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError)
  })

  test('continues a response by its id, until its sources are hidden', async () => {
    const visitor = await registerUser(app)
    const grant = (max_layer: string) =>
      owner.client.put(`/avees/${avee.id}/permissions/${visitor.session.user.id}`, { max_layer })
    bodyOf(await grant('friends'))
    const theirs = connect(await createKey(visitor))
    const model = `avee/${avee.handle}`
    ollama.script('/api/chat', { tokens: ['Blue cloth [1].'] })
    const first = await theirs.responses.create({
      model,
      input: 'What does the loom in the north hall weave?',
    })
    expect(first).toMatchObject({ status: 'completed', output_text: 'Blue cloth [1].' })
    expect(first.output[0]).toMatchObject({ content: [{ annotations: [{ type: 'url_citation' }] }] })

    const events = []
    const stream = await theirs.responses.create({
      model,
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'And at night?' }] }],
      instructions: 'Use few words.',
      previous_response_id: first.id,
      stream: true,
    })
    for await (const event of stream) events.push(event)
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i))
    expect(events.at(0)?.type).toBe('response.created')
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { status: 'completed' } })
    expect(lastRequest().messages.slice(1, 3)).toMatchObject([{}, { content: 'Blue cloth [1].' }])

    const plain = { model: 'llama3.2:1b', input: 'Go on.' }
    const kept = await theirs.responses.create(plain)
    await theirs.responses.create({ ...plain, previous_response_id: kept.id })
    expect(lastRequest().messages).toHaveLength(3)
    const dropped = await theirs.responses.create({ ...plain, store: false })
    for (const previous_response_id of [dropped.id, first.id])
      await expect(theirs.responses.create({ ...plain, previous_response_id })).rejects.toMatchObject({
        status: 404,
        param: 'previous_response_id',
      })
    bodyOf(await grant('public'))
    await expect(
      theirs.responses.create({ model, input: 'Go on.', previous_response_id: first.id }),
    ).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  test('embeds texts in both encodings', async () => {
    const embed = (encoding_format: 'float' | 'base64') =>
      client.embeddings.create({ model: 'nomic-embed-text', input: ['blue', 'cloth'], encoding_format })
    const floats = await embed('float')
    expect(floats.data).toHaveLength(2)
    const packed = await client.embeddings.create({ model: 'nomic-embed-text', input: ['blue', 'cloth'] })
    expect(packed.data[1]?.embedding).toEqual(floats.data[1]?.embedding.map(Math.fround))
    expect(floats.usage.prompt_tokens).toBeGreaterThan(0)
    expect(ollama.requestsTo('/api/embed').at(-1)?.body['input']).toEqual(['blue', 'cloth'])
    await expect(client.embeddings.create({ model: 'llama3.2:1b', input: 'blue' })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    )
  })

  test('reports that the service of an embedding model is unavailable, or which models an ambiguous name matches', async () => {
    const embedWith = async (model: string) => owner.client.post('/v1/embeddings', { model, input: 'Hello' })
    expect(await embedWith('no-such-model')).toMatchObject({ status: 404 })
    await using second = await startOllama()
    const provider = { kind: 'ollama', name: 'second', base_url: second.url }
    const { id } = bodyOf(await owner.client.post<{ id: string }>('/providers', provider))
    expect(await embedWith('nomic-embed-text')).toMatchObject({
      status: 400,
      body: {
        error: { code: 'model_ambiguous', message: expect.stringContaining('second/nomic-embed-text') },
      },
    })
    expect(await embedWith('second/nomic-embed-text')).toMatchObject({ status: 200 })
    bodyOf(await owner.client.patch(`/providers/${id}`, { base_url: 'http://127.0.0.1:9' }))
    expect(await embedWith('second/nomic-embed-text')).toMatchObject({
      status: 503,
      body: { error: { message: expect.stringMatching(/does not answer/) } },
    })
    bodyOf(await owner.client.delete(`/providers/${id}`))
    await using away = await startApp()
    expect(await away.post('/v1/embeddings', { model: 'nomic-embed-text', input: 'Hello' })).toMatchObject({
      status: 503,
      body: { error: { code: 'ollama_away' } },
    })
  })

  test('restricts a key for one avee to that avee', async () => {
    const bound = connect(await createKey(owner, { avee_id: avee.id }))
    expect((await bound.models.list()).data.map(({ id }) => id)).toEqual([`avee/${avee.handle}`])
    for (const model of ['avee/local', 'llama3.2:1b', 'avee/nobody'])
      await expect(bound.chat.completions.create({ model, messages: ask('Hello?') })).rejects.toMatchObject({
        status: 404,
        code: 'model_not_found',
      })
    await expect(bound.embeddings.create({ model: 'nomic-embed-text', input: 'x' })).rejects.toMatchObject({
      status: 404,
    })
  })

  test('serves LangChain and the AI SDK', async () => {
    const apiKey = await createKey(owner)
    const langchain = new ChatOpenAI({
      model: 'avee/local',
      apiKey,
      configuration: { baseURL: `${app.url}/v1` },
    })
    ollama.script('/api/chat', { tokens: ['Good ', 'day.'] })
    expect((await langchain.invoke('Hello?')).content).toBe('Good day.')

    const provider = createOpenAICompatible({ name: 'gabee', apiKey, baseURL: `${app.url}/v1` })
    ollama.script('/api/chat', { tokens: ['Good ', 'night.'] })
    const { textStream } = streamText({ model: provider('avee/local'), prompt: 'Hello?' })
    expect((await Array.fromAsync(textStream)).join('')).toBe('Good night.')
  })
})
