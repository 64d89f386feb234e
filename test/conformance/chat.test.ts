import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Conversation } from '../../contract/conversations.ts'
import type { Message } from '../../contract/messages.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  ask,
  askStream,
  bodyOf,
  createAvee,
  createConversation,
  listMessages,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import {
  type Event,
  expectError,
  expectErrorResponse,
  isoTime,
  parseResponse,
  sendRaw,
  streamOf,
  uuid7,
} from './contract.ts'

let ollama: ScriptedOllama
let app: TestApp
let ann: TestUser
let bob: TestUser
let conversation: string

beforeAll(async () => {
  ollama = await startOllama({
    models: [
      { name: 'gpt-4o-mini:latest', capabilities: ['completion'], contextLength: 262_144 },
      { name: 'gpt-4o:latest', capabilities: ['completion'] },
      { name: 'nomic-embed-text:latest', capabilities: ['embedding'] },
    ],
  })
  app = await startApp({
    OLLAMA_BASE_URL: ollama.url,
    CHAT_MODEL: 'gpt-4o-mini',
    CHAT_MODEL_STRONG: 'gpt-4o',
    MODEL_CONTEXT_TOKENS: '262144',
  })
  ann = await registerUser(app)
  bob = await registerUser(app)
  const avee = await createAvee(ann.client, { handle: 'ada', persona: 'Speaks like a sailor.' })
  const content = 'The keeper of the lighthouse at Vellmar is Ottilie Brandt.'
  await uploadFiles(ann.client, [{ name: 'keeper.txt', content }], { avee: avee.id, layer: 'public' })
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  conversation = (await createConversation(ann.client, 'ada')).id
})

const question = 'Who is the keeper of the lighthouse at Vellmar?'
const textOf = (events: Event[]) => events.map(({ token }) => token ?? '').join('')
const lastPrompt = () => JSON.stringify(ollama.requestsTo('/api/chat').at(-1)?.body)
const stream = (path: string, body: unknown = {}, { client } = ann) =>
  client.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

describe('conversations', () => {
  test('are created with an avee by id or handle', async () => {
    const response = await ann.client.post<Conversation>('/conversations', { avee: 'ada' })
    expect(response.status).toBe(201)
    expect(response.body).toMatchObject({
      id: expect.stringMatching(uuid7),
      avee_id: expect.stringMatching(uuid7),
      layer_used: 'intimate',
      title: null,
      created_at: expect.stringMatching(isoTime),
    })
    expect((await ann.client.post('/conversations', { avee: response.body.avee_id })).status).toBe(201)
    expect(bodyOf(await ann.client.get(`/conversations/${response.body.id}`))).toEqual(response.body)
    expectError(await ann.client.post('/conversations', { avee: 'nobody' }), 404)
    expectError(await ann.client.post('/conversations', {}), 422)
  })

  test('are renamed, pinned, archived and deleted', async () => {
    const path = `/conversations/${conversation}`
    expect(bodyOf(await ann.client.patch(path, { title: 'Lighthouses' }))).toMatchObject({
      title: 'Lighthouses',
    })
    expect(bodyOf(await ann.client.patch(path, { pinned: true }))).toMatchObject({
      title: 'Lighthouses',
      pinned: true,
    })
    expect(bodyOf(await ann.client.patch(path, { archived: true }))).toMatchObject({ archived: true })
    const ids = async (query: string) =>
      bodyOf(
        await ann.client.get<{ conversations: Conversation[] }>(`/conversations${query}`),
      ).conversations.map(({ id }) => id)
    expect(await ids('')).not.toContain(conversation)
    expect(await ids('?archived=true')).toContain(conversation)
    expectError(await ann.client.patch(path, { title: '' }), 422)
    await ask(ann.client, conversation, question)
    const [, answer] = await listMessages(ann.client, conversation)
    expect((await ann.client.delete(path)).status).toBe(200)
    expectError(await ann.client.get(path), 404)
    expectError(await ann.client.get(`${path}/messages`), 404)
    expectError(await ann.client.get(`/runs/${answer?.run_id}`), 404)
    expectError(await ann.client.delete(path), 404)
  })

  test('are listed in pages without a gap, and found by title and message text', async () => {
    const finder = await registerUser(app)
    const opened = await Promise.all(
      Array.from({ length: 5 }, () => createConversation(finder.client, 'ada')),
    )
    await finder.client.patch(`/conversations/${opened[0]?.id}`, { title: 'Marmalade recipes' })
    await ask(finder.client, opened[1]?.id ?? '', 'Tell me about zymurgy, please.')
    const other = await createConversation(bob.client, 'ada')
    await ask(bob.client, other.id, 'What of zymurgy and marmalade?')
    const ids = async (query: string) => {
      const seen: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page: { conversations: Conversation[]; next_cursor: string | null } = bodyOf(
          await finder.client.get(`/conversations?limit=2${query}${cursor && `&cursor=${cursor}`}`),
        )
        seen.push(...page.conversations.map(({ id }) => id))
        cursor = page.next_cursor
      }
      return seen
    }
    expect((await ids('')).toSorted()).toEqual(opened.map(({ id }) => id).toSorted())
    expect(await ids('&query=marmalade')).toEqual([opened[0]?.id])
    expect(await ids('&query=zymurgy')).toEqual([opened[1]?.id])
    expect(await ids('&query=nowhere')).toEqual([])
  })

  test('return 404 to anyone but their owner', async () => {
    await ask(ann.client, conversation, question)
    const [asked, answer] = await listMessages(ann.client, conversation)
    const path = `/conversations/${conversation}`
    for (const refusedAnswer of [
      await bob.client.get(path),
      await bob.client.patch(path, { title: 'Mine' }),
      await bob.client.delete(path),
      await bob.client.get(`${path}/messages`),
      await bob.client.get(`${path}/export`),
      await bob.client.put(`${path}/leaf`, { message_id: answer?.id }),
      await bob.client.post('/chat/ask', { conversation_id: conversation, question }),
      await bob.client.post('/chat/stream', { conversation_id: conversation, question }),
      await bob.client.post(`${path}/messages/${answer?.id}/regenerate`),
      await bob.client.post(`${path}/messages/${asked?.id}/edit`, { content: 'Mine?' }),
    ])
      expectError(refusedAnswer, 404)
    expect(await listMessages(ann.client, conversation)).toHaveLength(2)
  })

  test('have messages with the fields of the contract', async () => {
    await ask(ann.client, conversation, question)
    const [asked, answer] = await listMessages(ann.client, conversation)
    for (const message of [asked, answer])
      expect(message).toMatchObject({
        id: expect.stringMatching(uuid7),
        status: 'complete',
        layer_used: 'intimate',
        created_at: expect.stringMatching(isoTime),
      })
    expect(asked).toMatchObject({ role: 'user', content: question, parent_id: null, citations: [] })
    expect(answer).toMatchObject({
      role: 'assistant',
      model: 'gpt-4o-mini',
      parent_id: asked?.id,
      run_id: expect.stringMatching(uuid7),
      usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) },
      citations: [{ n: 1, filename: 'keeper.txt', text: expect.stringContaining('Ottilie Brandt') }],
    })
  })

  test('are exported completely as Markdown and JSON', async () => {
    await ask(ann.client, conversation, question)
    const [asked, answer] = await listMessages(ann.client, conversation)
    const path = `/conversations/${conversation}/export`
    const markdown = await ann.client.get<string>(`${path}?format=markdown`)
    expect(markdown.status).toBe(200)
    expect(markdown.headers.get('content-type')).toMatch(/^text\/markdown/)
    for (const words of [question, answer?.content ?? '-', '[1] keeper'])
      expect(markdown.body).toContain(words)
    const json = await ann.client.get(`${path}?format=json`)
    expect(json.headers.get('content-type')).toMatch(/^application\/json/)
    for (const words of [asked?.id, answer?.id, answer?.content])
      expect(JSON.stringify(json.body)).toContain(words)
    expectError(await ann.client.get(`${path}?format=pdf`), 422)
  })
})

describe('branches', () => {
  const branchOf = async () => (await listMessages(ann.client, conversation)).map(({ content }) => content)

  test('keep edited questions and regenerated answers as siblings that can be selected', async () => {
    ollama.script(
      '/api/chat',
      { tokens: ['First'] },
      { tokens: ['Second'] },
      { tokens: ['Third'] },
      { tokens: ['Fourth'] },
    )
    await ask(ann.client, conversation, 'One?')
    await ask(ann.client, conversation, 'Two?')
    const [one, first, two] = await listMessages(ann.client, conversation)
    const edit = `/conversations/${conversation}/messages/${two?.id}/edit`
    const edited = await streamOf(await stream(edit, { content: 'Two, in other words?' }))
    expect(textOf(edited)).toBe('Third')
    expect(await branchOf()).toEqual(['One?', 'First', 'Two, in other words?', 'Third'])
    const regenerated = await streamOf(
      await stream(`/conversations/${conversation}/messages/${first?.id}/regenerate`),
    )
    expect(textOf(regenerated)).toBe('Fourth')
    expect(await branchOf()).toEqual(['One?', 'Fourth'])

    const show = async (message: string | undefined) => {
      bodyOf(await ann.client.put(`/conversations/${conversation}/leaf`, { message_id: message }))
      return branchOf()
    }
    expect(await show(two?.id)).toEqual(['One?', 'First', 'Two?', 'Second'])
    const third = edited.at(-1)?.['message_id'] as string
    expect(await show(third)).toEqual(['One?', 'First', 'Two, in other words?', 'Third'])
    expect(await show(one?.id)).toHaveLength(2)
    const exported = await ann.client.get(`/conversations/${conversation}/export?format=json`)
    for (const words of ['First', 'Second', 'Third', 'Fourth', 'Two?', 'Two, in other words?'])
      expect(JSON.stringify(exported.body)).toContain(`"${words}"`)
  })

  test('do not appear in the prompts of other branches', async () => {
    ollama.script('/api/chat', { tokens: ['Xanadu'] }, { tokens: ['Ypsilon'] })
    await ask(ann.client, conversation, 'One?')
    const [one] = await listMessages(ann.client, conversation)
    await streamOf(
      await stream(`/conversations/${conversation}/messages/${one?.id}/edit`, { content: 'Two?' }),
    )
    await ask(ann.client, conversation, 'Three?')
    expect(lastPrompt()).toContain('Ypsilon')
    expect(lastPrompt()).not.toContain('Xanadu')
  })

  test('return 400 for editing an answer or regenerating a question, and 404 in another conversation', async () => {
    await ask(ann.client, conversation, 'One?')
    const [one, first] = await listMessages(ann.client, conversation)
    const other = (await createConversation(ann.client, 'ada')).id
    const at = (id: string, message: string | undefined) => `/conversations/${id}/messages/${message}`
    await expectErrorResponse(await stream(`${at(conversation, one?.id)}/regenerate`), 400)
    await expectErrorResponse(await stream(`${at(conversation, first?.id)}/edit`, { content: 'x' }), 400)
    await expectErrorResponse(await stream(`${at(other, first?.id)}/regenerate`), 404)
    await expectErrorResponse(await stream(`${at(other, one?.id)}/edit`, { content: 'x' }), 404)
    expectError(await ann.client.put(`/conversations/${other}/leaf`, { message_id: one?.id }), 404)
    for (const content of ['', '   ', 'x'.repeat(32_001)])
      await expectErrorResponse(await stream(`${at(conversation, one?.id)}/edit`, { content }), 400)
  })
})

describe('POST /chat/ask', () => {
  const keys = [
    'conversation_id',
    'layer_used',
    'answer',
    'used_chunks',
    'used_persona',
    'message_id',
    'model_used',
    'citations',
  ]

  test('returns the fields of the contract', async () => {
    const body = bodyOf(
      await ann.client.post<Record<string, unknown>>('/chat/ask', {
        conversation_id: conversation,
        question,
      }),
    )
    expect(Object.keys(body)).toEqual(keys)
    const [, answer] = await listMessages(ann.client, conversation)
    expect(body).toMatchObject({
      conversation_id: conversation,
      layer_used: 'intimate',
      answer: answer?.content,
      used_chunks: 1,
      used_persona: true,
      message_id: answer?.id,
      model_used: 'gpt-4o-mini',
      citations: answer?.citations,
    })
    expect(lastPrompt()).toContain('Speaks like a sailor.')
  })

  test('reads parameters from the query string and the JSON body, which takes precedence', async () => {
    const query = new URLSearchParams({ conversation_id: conversation, question: 'From the address?' })
    bodyOf(await ann.client.post(`/chat/ask?${query}`))
    expect(lastPrompt()).toContain('From the address?')
    bodyOf(await ann.client.post('/chat/ask', { conversation_id: conversation, question: 'From the body?' }))
    expect(lastPrompt()).toContain('From the body?')
    bodyOf(await ann.client.post(`/chat/ask?${query}`, { question: 'Rather the body?' }))
    expect((await listMessages(ann.client, conversation)).map(({ content }) => content)).toContain(
      'Rather the body?',
    )
    expect(
      (await listMessages(ann.client, conversation)).filter(({ content }) => content === 'From the address?'),
    ).toHaveLength(1)
    // An empty form or an empty JSON body leaves the query string in effect.
    for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain'])
      bodyOf(
        await parseResponse(
          await ann.client.fetch(`/chat/ask?${query}`, { method: 'POST', headers: { 'content-type': type } }),
        ),
      )
  })

  test('returns the error of the model', async () => {
    ollama.script('/api/chat', { status: 400, message: 'I will not.' })
    const { message } = expectError(
      await ann.client.post('/chat/ask', { conversation_id: conversation, question }),
      503,
    )
    expect(message).toMatch(/I will not/)
  })
})

describe('POST /chat/stream', () => {
  test('streams the stored answer in events with the fields of the contract', async () => {
    const events = await streamOf(await stream('/chat/stream', { conversation_id: conversation, question }))
    const [start, complete] = [events[0] ?? {}, events.at(-1) ?? {}]
    const [asked, answer] = await listMessages(ann.client, conversation)
    expect(start).toMatchObject({
      event: 'start',
      model: 'gpt-4o-mini',
      run_id: answer?.run_id,
      message_id: answer?.id,
      user_message_id: asked?.id,
    })
    expect(Object.keys(start).slice(0, 2)).toEqual(['event', 'model'])
    expect(Object.keys(complete).slice(0, 3)).toEqual(['event', 'message_id', 'total_tokens'])
    expect(textOf(events)).toBe(answer?.content)
    expect(complete).toMatchObject({
      event: 'complete',
      message_id: answer?.id,
      total_tokens: answer?.usage?.completion_tokens,
      usage: answer?.usage,
      citations: answer?.citations,
    })
    for (const event of events.slice(1, -1)) expect(Object.keys(event)).toEqual(['token'])
  })

  test('asks the stronger model for every spelling of use_gpt4o', async () => {
    const modelOf = async (path: string, body = {}) => {
      const events = await streamOf(
        await stream(path, { conversation_id: conversation, question: 'Hello', ...body }),
      )
      return String(events[0]?.['model'])
    }
    expect(await modelOf('/chat/stream')).toMatch(/^gpt-4o-mini/)
    expect(await modelOf('/chat/stream?use_gpt4o=false')).toMatch(/^gpt-4o-mini/)
    expect(await modelOf('/chat/stream?use_gpt4o=true')).toMatch(/^gpt-4o(?!-mini)/)
    expect(await modelOf('/chat/stream?use_gpt4o=True')).toMatch(/^gpt-4o(?!-mini)/)
    expect(await modelOf('/chat/stream', { use_gpt4o: true })).toMatch(/^gpt-4o(?!-mini)/)
    expect(await modelOf('/chat/stream?use_gpt4o=true', { use_gpt4o: false })).toMatch(/^gpt-4o-mini/)
  })

  test('ends with an error event when the model fails, and keeps the partial answer', async () => {
    ollama.script('/api/chat', { tokens: ['Only', ' half', ' of'], fault: 'cut', afterTokens: 2 })
    const events = await streamOf(
      await stream('/chat/stream', { conversation_id: conversation, question: 'Hello' }),
    )
    expect(events.at(-1)).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } })
    expect(textOf(events)).toBe('Only half')
    expect((await listMessages(ann.client, conversation)).at(-1)).toMatchObject({
      content: 'Only half',
      status: 'failed',
    })
  })

  test('returns 404 for an unknown conversation and 400 for a missing one, before any stream', async () => {
    const unknown = '0198a000-0000-7000-8000-000000000000'
    await expectErrorResponse(await stream('/chat/stream', { conversation_id: unknown, question }), 404)
    await expectErrorResponse(await stream('/chat/stream', { conversation_id: 'nonsense', question }), 400)
    await expectErrorResponse(await stream('/chat/stream', { question }), 400)
    await expectErrorResponse(await stream('/chat/stream', { conversation_id: conversation }), 400)
    expect(await listMessages(ann.client, conversation)).toEqual([])
  })
})

describe('a question', () => {
  const send = async (words: string) =>
    await ann.client.post<unknown>('/chat/ask', { conversation_id: conversation, question: words })

  test('has 1 to the maximum number of characters, counted as code points', async () => {
    expect((await send('a')).status).toBe(200)
    expect((await send('x'.repeat(32_000))).status).toBe(200)
    expect((await send('é'.repeat(32_000))).status).toBe(200)
    expect((await send('😀'.repeat(32_000))).status, 'code points, not halves of them').toBe(200)
    for (const words of ['', '   \n\t ', 'x'.repeat(32_001), '😀'.repeat(32_001)])
      expectError(await send(words), 400)
    expect((await send('x'.repeat(2_000_000))).status).toBe(400)
  })

  test('is stored unchanged', async () => {
    const words =
      "  Zwei\r\n\tZeilen — ‘quoted’, 日本語, עברית, 👩‍👩‍👧, e\u0301 and \u00e9, <b>&amp;</b> \\n %00 ${x} '; drop table messages; --  "
    expect((await send(words)).status).toBe(200)
    const [asked] = await listMessages(ann.client, conversation)
    expect(asked?.content.trim()).toBe(words.trim())
  })

  test('of 4,000 characters fits into a URL', async () => {
    const path = `/chat/ask?conversation_id=${conversation}&question=${encodeURIComponent('é'.repeat(2000))}`
    const { status } = await sendRaw(ann.client, 'POST', path, {
      headers: { host: new URL(app.url).host, authorization: `Bearer ${ann.client.token}` },
    })
    expect(status).toBe(200)
  })

  test('does not reveal the messages of other users with the same avee', async () => {
    await ask(bob.client, (await createConversation(bob.client, 'ada')).id, 'My secret is rhubarb.')
    await askStream(ann.client, conversation, 'What do you know?').then((response) => response.text())
    expect(lastPrompt()).not.toContain('rhubarb')
    const messages: Message[] = await listMessages(ann.client, conversation)
    expect(JSON.stringify(messages)).not.toContain('rhubarb')
  })
})
