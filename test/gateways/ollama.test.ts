import { Ollama } from 'ollama'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, createAvee, registerUser, type TestUser, uploadFiles } from '../builders.ts'
import { type ScriptedOllama, startAnthropic, startOllama } from '../model-servers.ts'

describe('the Ollama protocol', () => {
  let ollama: ScriptedOllama
  let app: TestApp
  let owner: TestUser
  let client: Ollama
  let model: string

  const connect = async (fields: object = {}) => {
    const { key } = bodyOf(await owner.client.post<{ key: string }>('/api-keys', { name: 'key', ...fields }))
    return new Ollama({ host: `${app.url}/ollama`, headers: { authorization: `Bearer ${key}` } })
  }
  const ask = (content: string) => [{ role: 'user', content }]
  const lastRequest = () =>
    ollama.requestsTo('/api/chat').at(-1)?.body as unknown as {
      messages: { role: string; content: string; tool_name?: string }[]
      options: object
    }

  beforeAll(async () => {
    ollama = await startOllama()
    app = await startApp({ OLLAMA_BASE_URL: ollama.url })
    owner = await registerUser(app)
    const avee = await createAvee(owner.client, { persona: 'You weave.' })
    model = `avee/${avee.handle}`
    await uploadFiles(
      owner.client,
      [{ name: 'looms.txt', content: 'A loom in the north hall weaves blue cloth every day.' }],
      { avee: avee.id, layer: 'friends' },
    )
    client = await connect()
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await ollama[Symbol.asyncDispose]()
  })

  test('responds at its root, which the command line of Ollama asks first', async () => {
    for (const path of ['/ollama', '/ollama/']) {
      expect(await owner.client.get(path)).toMatchObject({ status: 200, body: 'Ollama is running' })
      expect((await owner.client.fetch(path, { method: 'HEAD' })).status).toBe(200)
    }
  })

  test('lists and shows avees and models', async () => {
    expect((await client.version()).version).toMatch(/^0\./)
    const names = (await client.list()).models.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining([model, 'avee/local', 'llama3.2:1b']))
    expect(await client.show({ model })).toMatchObject({ capabilities: ['completion'] })
    expect(await client.show({ model: 'llama3.2:1b' })).toMatchObject({
      model_info: { 'ollama.context_length': 131_072 },
    })
    ollama.loaded.set('llama3.2:1b', 4_096)
    expect((await client.ps()).models.map(({ name }) => name)).toContain('llama3.2:1b')
  })

  test('answers as an avee, in one object and as a stream', async () => {
    ollama.script('/api/chat', { tokens: ['Blue ', 'cloth ', '[1].'] })
    const messages = [
      { role: 'system', content: 'Use few words.' },
      ...ask('What does the loom in the north hall weave?'),
    ]
    const options = { temperature: 0.2, top_p: 0.9, seed: 7, stop: ['END'], num_predict: 50 }
    expect(await client.chat({ model: `${model}:latest`, messages, options })).toMatchObject({
      model: `${model}:latest`,
      message: { role: 'assistant', content: 'Blue cloth [1].' },
      done: true,
      done_reason: 'stop',
      eval_count: expect.any(Number),
    })
    const request = lastRequest()
    expect(request.options).toMatchObject(options)
    expect(request.messages[0]?.content).toMatch(/You weave\.[\s\S]*Use few words\./)
    expect(request.messages.at(-1)?.content).toContain('blue cloth')

    ollama.script('/api/chat', { tokens: ['Good ', 'day.'] })
    const parts = await Array.fromAsync(await client.chat({ model, messages: ask('Hello?'), stream: true }))
    expect(parts.map(({ message }) => message.content).join('')).toBe('Good day.')
    expect(parts.map(({ done }) => done)).toEqual(parts.map((_, i) => i === parts.length - 1))
    expect(bodyOf(await owner.client.get('/conversations'))).toMatchObject({ conversations: [] })
  })

  test('generates from a prompt', async () => {
    ollama.script('/api/chat', { tokens: ['Good ', 'day.'] }, { tokens: ['Good ', 'night.'] })
    const request = { model: 'llama3.2:1b', prompt: 'Hello?', system: 'Be kind.' }
    expect(await client.generate(request)).toMatchObject({ response: 'Good day.', done: true })
    expect(lastRequest().messages).toMatchObject([{ role: 'system' }, { role: 'user', content: 'Hello?' }])
    const parts = await Array.fromAsync(await client.generate({ ...request, stream: true }))
    expect(parts.map(({ response }) => response).join('')).toBe('Good night.')
    expect(await client.generate({ model, prompt: '' })).toMatchObject({ done_reason: 'load' })
  })

  test('reads bodies as JSON whatever their content type, but none from other websites', async () => {
    await using personal = await startApp({ OLLAMA_BASE_URL: ollama.url })
    const body = JSON.stringify({ model: 'llama3.2:1b', prompt: 'Hello?', stream: false })
    const generate = (type: string, headers: Record<string, string> = {}, text = body) =>
      personal.fetch('/ollama/api/generate', {
        method: 'POST',
        headers: { 'content-type': type, ...headers },
        body: text,
      })
    const form = 'application/x-www-form-urlencoded'
    for (const type of [form, 'text/plain', 'application/json; charset=utf-8']) {
      ollama.script('/api/chat', { tokens: ['Good day.'] })
      expect(await (await generate(type)).json(), type).toMatchObject({ response: 'Good day.', done: true })
    }
    expect((await generate(form, {}, 'model=llama3.2:1b')).status).toBe(400)
    const asked = ollama.requestsTo('/api/chat').length
    for (const type of [form, 'text/plain', 'multipart/form-data; boundary=x'])
      for (const headers of [
        { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ])
        expect((await generate(type, headers)).status, JSON.stringify(headers)).toBe(403)
    expect(ollama.requestsTo('/api/chat')).toHaveLength(asked)
    const avee = { method: 'POST', headers: { 'content-type': form }, body: '{"handle":"ada"}' }
    expect((await personal.fetch('/avees', avee)).status).toBe(415)
  })

  test('passes tools and their results on to a plain model', async () => {
    const tools = [{ type: 'function', function: { name: 'weather', description: 'Weather' } }]
    ollama.script('/api/chat', { tokens: [], toolCalls: [{ name: 'weather', arguments: { city: 'Turin' } }] })
    const { message } = await client.chat({ model: 'llama3.2:1b', messages: ask('How is it?'), tools })
    expect(message.tool_calls).toEqual([{ function: { name: 'weather', arguments: { city: 'Turin' } } }])
    await client.chat({
      model: 'llama3.2:1b',
      messages: [...ask('How is it?'), message, { role: 'tool', tool_name: 'weather', content: 'Sunny.' }],
      tools,
    })
    expect(lastRequest().messages.at(-1)).toMatchObject({ tool_name: 'weather', content: 'Sunny.' })
  })

  test('embeds texts', async () => {
    const { embeddings } = await client.embed({ model: 'nomic-embed-text', input: ['blue', 'cloth'] })
    const { embedding } = await client.embeddings({ model: 'nomic-embed-text', prompt: 'cloth' })
    expect(embedding).toEqual(embeddings[1])
  })

  test('returns errors in the format of Ollama', async () => {
    const chat = (body: object = {}) => client.chat({ model, messages: ask('Hello?'), ...body })
    await expect(chat({ model: 'avee/nobody' })).rejects.toMatchObject({
      status_code: 404,
      message: expect.stringMatching(/^The model does not exist/),
    })
    await expect(client.embed({ model: 'nothing', input: 'Hello' })).rejects.toMatchObject({
      message: expect.stringMatching(/^There is no embedding model nothing/),
    })
    await expect(chat({ options: { temperature: 3 } })).rejects.toMatchObject({
      status_code: 400,
      message: expect.stringContaining('options.temperature'),
    })
    await expect(chat({ format: 'json' })).rejects.toMatchObject({
      status_code: 400,
      message: 'format: An avee answers with text only.',
    })
    const images = ['iVBORw0KGgo=']
    await expect(client.generate({ model, prompt: 'What is this?', images })).rejects.toMatchObject({
      message: 'images: An avee does not accept images here.',
    })
    await using anthropic = await startAnthropic()
    const provider = { kind: 'anthropic', name: 'claude', base_url: anthropic.url, api_key: 'sk-ant' }
    bodyOf(await owner.client.post('/providers', provider))
    await expect(chat({ model: 'claude-sonnet-4-5', options: { seed: 7 } })).rejects.toMatchObject({
      status_code: 400,
      message: expect.stringMatching(/^options.seed: .* does not support a seed/),
    })
    await expect(client.show({ model: undefined as never })).rejects.toMatchObject({
      status_code: 400,
      message: 'The field model is missing.',
    })
    const anonymous = new Ollama({ host: `${app.url}/ollama` })
    await expect(anonymous.list()).rejects.toMatchObject({ status_code: 401 })
    await expect(client.delete({ model })).rejects.toMatchObject({ status_code: 404 })
    ollama.script('/api/chat', { tokens: ['One ', 'two '], fault: 'error', afterTokens: 1 })
    const stream = await client.chat({ model: 'llama3.2:1b', messages: ask('Count.'), stream: true })
    await expect(Array.fromAsync(stream)).rejects.toThrow('scripted error')
    const bound = await connect({
      avee_id: bodyOf(await owner.client.get<{ id: string }>('/avees/local')).id,
    })
    await expect(bound.chat({ model, messages: ask('Hello?') })).rejects.toMatchObject({ status_code: 404 })
    expect((await bound.list()).models.map(({ name }) => name)).toEqual(['avee/local'])
  })
})
