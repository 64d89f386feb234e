import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ErrorResponse } from '../../contract/common.ts'
import type { Conversation } from '../../contract/conversations.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  ask,
  askStream,
  bodyOf,
  createAvee,
  createConversation,
  listMessages,
  registerUser,
  uploadFiles,
} from '../builders.ts'
import { DATABASES } from '../databases.ts'
import { collectEvents, readEvents, textOf } from '../events.ts'
import { type ScriptedOllama, startOllama, startOpenAi } from '../model-servers.ts'
import { injections, obey, ordersIn, orderTo } from './obedient-model.ts'

const kindOf = (data: Record<string, unknown>) => data['event'] ?? Object.keys(data)[0]

test('a failed answer has the time of the next attempt in Retry-After, the message and the run', async () => {
  await using ollama = await startOllama()
  await using app = await startApp({ OLLAMA_BASE_URL: ollama.url })
  ollama.script('/api/chat', { status: 429, retryAfter: 40 })
  const { id: conversation_id } = await createConversation(app, (await createAvee(app)).id)
  const messages = [{ role: 'user', content: 'Hello?' }]
  for (const [path, body] of [
    ['/chat/ask', { conversation_id, question: 'Hello?' }],
    ['/chat/ask-v2', { conversation_id, question: 'Hello?' }],
    ['/v1/chat/completions', { model: 'llama3.2:1b', messages }],
    ['/v1/responses', { model: 'llama3.2:1b', input: 'Hello?' }],
    ['/ollama/api/chat', { model: 'llama3.2:1b', messages, stream: false }],
  ] as const) {
    const { status, headers, body: answer } = await app.post<{ error: unknown }>(path, body)
    const seconds = Number(headers.get('retry-after'))
    expect({ path, status, isInTime: seconds > 0 && seconds <= 40 }).toEqual({
      path,
      status: 503,
      isInTime: true,
    })
    expect(JSON.stringify(answer.error)).toMatch(/answered 429.* Try again in \d+ s\./)
  }
  expect(ollama.requestsTo('/api/chat')).toHaveLength(1)
  const [, answer] = await listMessages(app, conversation_id)
  const retry_at = answer?.error?.retry_at ?? ''
  expect(Date.parse(retry_at)).toBeGreaterThan(Date.parse(answer?.created_at ?? ''))
  expect(bodyOf(await app.get(`/runs/${answer?.run_id}`))).toMatchObject({ error: { retry_at } })
  const events = await collectEvents(await app.fetch(`/runs/${answer?.run_id}/events`))
  expect(events.at(-1)?.data).toMatchObject({ error: { code: 'http_429', retry_at } })
})

for (const kind of DATABASES) {
  describe(`a turn on ${kind}`, () => {
    let ollama: ScriptedOllama
    let app: TestApp
    beforeAll(async () => {
      ollama = await startOllama()
      app = await startApp({ OLLAMA_BASE_URL: ollama.url }, kind)
    })
    afterAll(async () => {
      await app[Symbol.asyncDispose]()
      await ollama[Symbol.asyncDispose]()
    })

    test('returns 404 for a model that does not exist, on every route, and stores nothing', async () => {
      const { client } = await registerUser(app)
      const { id: conversation_id } = await createConversation(client, (await createAvee(client)).id)
      const unusable = await createAvee(client, { model: 'no-such:1b' })
      const other = await createConversation(client, unusable.id)
      const question = 'Hello?'
      const model = 'no-such:1b'
      for (const [route, body] of [
        ['/chat/ask', { conversation_id, question, model }],
        ['/chat/ask-v2', { conversation_id, question, model }],
        ['/chat/stream', { conversation_id, question, model }],
        ['/chat/stream', { conversation_id: other.id, question }],
        ['/api/chat', { message: question, model }],
        ['/api/models/active', { model }],
        ['/api/models/test', { model }],
        ['/api/models/unload', { model }],
      ] as const) {
        const answer = await client.post<ErrorResponse>(route, body)
        expect([route, answer.status, answer.body.error.code]).toEqual([route, 404, 'model_not_found'])
      }
      const embedding = { conversation_id, question, model: 'nomic-embed-text' }
      expect((await client.post('/chat/stream', embedding)).status).toBe(400)
      expect(await listMessages(client, conversation_id)).toEqual([])
    })

    test('returns 400 for a question that exceeds the context window of the model', async () => {
      const { client } = await registerUser(app)
      const { id: conversation_id } = await createConversation(client, (await createAvee(client)).id)
      const question = 'word '.repeat(6_400)
      const answer = await client.post<ErrorResponse>('/chat/ask', { conversation_id, question })
      expect([answer.status, answer.body.error.code]).toEqual([400, 'prompt_too_long'])
    })

    test('sends persona, rules, history and passages, and stores the answer with its sources', async () => {
      const { client } = await registerUser(app)
      const avee = await createAvee(client, { persona: 'You love looms.' })
      const file = {
        name: 'engine.md',
        content: '# Engine\n\nThe engine weaves algebraic patterns at 40 per minute.',
      }
      await uploadFiles(client, [file], { avee: avee.id, layer: 'public' })
      const { id } = await createConversation(client, avee.handle)
      await ask(client, id, 'Good morning, Ada!')
      ollama.script('/api/chat', { tokens: ['At ', '40 ', 'per minute ', '[1].'] })
      const events = await ask(client, id, 'How fast does the engine weave patterns?')

      const { body: asked } = await ollama.waitForRequest('/api/chat', 2)
      const messages = asked['messages'] as { role: string; content: string }[]
      expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user'])
      expect(messages[0]?.content).toContain('You love looms.')
      expect(messages[1]?.content).toContain('Good morning, Ada!')
      expect(messages[3]?.content).toContain(' n="1" source=')
      expect(messages[3]?.content).toContain('algebraic patterns')
      expect(textOf(events)).toBe('At 40 per minute [1].')
      const complete = events.at(-1)?.data
      expect(complete).toMatchObject({ event: 'complete', total_tokens: 4, finish_reason: 'stop' })
      const [citation] = (complete?.['citations'] ?? []) as { text: string; title: string; cited: boolean }[]
      expect(citation).toMatchObject({ cited: true })
      expect(citation?.text).toContain('algebraic patterns')
      expect((await listMessages(client, id)).at(-1)?.citations).toEqual(complete?.['citations'])
    })

    test('completes the answer after the client disconnects', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      ollama.script('/api/chat', { tokens: ['one ', 'two ', 'three ', 'four'], delayMs: 40 })
      const leave = new AbortController()
      const response = await askStream(client, id, 'Count!', { signal: leave.signal })
      const runId = response.headers.get('x-run-id')
      for await (const { data } of readEvents(response)) if (data['token']) break
      leave.abort()

      const events = await collectEvents(await client.fetch(`/runs/${runId}/events`))
      expect(textOf(events)).toBe('one two three four')
      expect((await listMessages(client, id)).map(({ content, status }) => [content, status])).toEqual([
        ['Count!', 'complete'],
        ['one two three four', 'complete'],
      ])
    })

    test('keeps the partial answer and aborts the model request when stopped', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      ollama.script('/api/chat', { tokens: ['one ', 'two '], fault: 'stall', afterTokens: 2 })
      const response = await askStream(client, id, 'Count!')
      const runId = response.headers.get('x-run-id')
      const seen: string[] = []
      for await (const { data } of readEvents(response)) {
        seen.push(String(kindOf(data)))
        if (data['token']) await client.delete(`/runs/${runId}`)
      }
      expect(seen[0]).toBe('start')
      expect(seen.at(-1)).toBe('stopped')
      await ollama.requestsTo('/api/chat').at(-1)?.closed
      expect(ollama.requestsTo('/api/chat').at(-1)?.closedEarly).toBe(true)
      const [, answer] = await listMessages(client, id)
      expect(answer?.status).toBe('stopped')
      expect('one two ').toContain(answer?.content)
      expect(bodyOf(await client.delete<{ status: string }>(`/runs/${runId}`)).status).toBe('stopped')
    })

    test('ends with an error event and keeps the partial answer when the model fails', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      ollama.script('/api/chat', { tokens: ['one ', 'two ', 'three'], fault: 'cut', afterTokens: 2 })
      const events = await ask(client, id, 'Count!')
      expect(events.at(-1)?.data['error']).toMatchObject({
        code: expect.any(String),
        message: expect.any(String),
      })
      const [, answer] = await listMessages(client, id)
      expect(answer).toMatchObject({ status: 'failed', content: 'one two ' })
      expect(answer?.error).toEqual(events.at(-1)?.data['error'])

      ollama.script('/api/chat', { tokens: ['three'] })
      const regenerate = `/conversations/${id}/messages/${answer?.id}/regenerate`
      const continued = await collectEvents(
        await client.fetch(regenerate, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ continue: true }),
        }),
      )
      const tokens = continued.flatMap(({ data }) => data['token'] ?? [])
      expect(tokens.join('')).toBe('one two three')
      expect(ollama.requestsTo('/api/chat').at(-1)?.body).toMatchObject({
        messages: expect.arrayContaining([{ role: 'assistant', content: 'one two ' }]),
      })
      const [, whole, ...rest] = await listMessages(client, id)
      expect(rest).toEqual([])
      expect(whole).toMatchObject({ status: 'complete', content: 'one two three' })
      expect(whole?.siblings).toEqual([answer?.id, whole?.id])
      const complete = `/conversations/${id}/messages/${whole?.id}/regenerate`
      expect(await client.post(complete, { continue: true })).toMatchObject({
        status: 409,
        body: { error: { code: 'not_continuable' } },
      })

      ollama.script('/api/chat', { status: 500, message: 'out of memory' })
      const failed = await client.post<{ error: { code: string } }>('/chat/ask', {
        conversation_id: id,
        question: 'Again?',
      })
      expect(failed.status).toBe(503)
      ollama.script('/api/chat', { tokens: ['fine'] })
      expect(textOf(await ask(client, id, 'And now?'))).toBe('fine')
    })

    test('returns 409 with the running run while an answer is running', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      ollama.script('/api/chat', { fault: 'stall', afterTokens: 1 })
      const response = await askStream(client, id, 'First?')
      const runId = response.headers.get('x-run-id')
      // Without this, the scripted answer could be used for the next question.
      for await (const { data } of readEvents(response)) if (data['token'] !== undefined) break
      const second = await client.post<{ error: { details: { run_id: string } } }>('/chat/stream', {
        conversation_id: id,
        question: 'Second?',
      })
      expect([second.status, second.body.error.details.run_id]).toEqual([409, runId])
      expect(bodyOf(await client.get<Conversation>(`/conversations/${id}`)).running_run_id).toBe(runId)
      await client.delete(`/runs/${runId}`)
      expect(bodyOf(await client.get<Conversation>(`/conversations/${id}`)).running_run_id).toBe(null)
    })

    test('returns the same run for concurrent requests with the same Idempotency-Key', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      const before = ollama.requestsTo('/api/chat').length
      const headers = { 'idempotency-key': 'press-once' }
      const responses = await Promise.all(
        Array.from({ length: 8 }, () => askStream(client, id, 'Once?', { headers })),
      )
      const logs = await Promise.all(responses.map(collectEvents))
      expect(new Set(responses.map((response) => response.headers.get('x-run-id'))).size).toBe(1)
      for (const log of logs) expect(log).toEqual(logs[0])
      expect(ollama.requestsTo('/api/chat').length - before).toBe(1)
      expect(await listMessages(client, id)).toHaveLength(2)
    })

    test('asks the stronger model with use_gpt4o, and says that a content filter withheld an answer', async () => {
      await using openai = await startOpenAi()
      await using app = await startApp({ OPENAI_BASE_URL: openai.url, OPENAI_API_KEY: 'sk-test' }, kind)
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      const query = new URLSearchParams({ conversation_id: id, question: 'Hello', use_gpt4o: 'true' })
      const strong = await collectEvents(await client.fetch(`/chat/stream?${query}`, { method: 'POST' }))
      expect(strong[0]?.data['model']).toBe('gpt-4o')
      const usual = await client.post<{ model_used: string }>('/chat/ask', {
        conversation_id: id,
        question: 'Hello',
      })
      expect(bodyOf(usual).model_used).toBe('gpt-4o-mini')

      const withheld = { choices: [{ index: 0, delta: {}, finish_reason: 'content_filter' }] }
      openai.script('/v1/chat/completions', { frames: [JSON.stringify(withheld)] })
      const refused = await client.post('/chat/ask', { conversation_id: id, question: 'Hello' })
      expect(refused).toMatchObject({ status: 503, body: { error: { code: 'answer_filtered' } } })
    })

    test('answers /api/chat in LocalChat’s format, with history, sources and a conversation to continue', async () => {
      const { client } = await registerUser(app)
      await uploadFiles(client, [
        { name: 'looms.txt', content: 'A loom in the north hall weaves blue cloth every day.' },
      ])
      const chat = async (body: object) =>
        collectEvents(
          await client.fetch('/api/chat', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }),
        )
      ollama.script('/api/chat', { tokens: ['Blue ', 'cloth [1].'] })
      const events = await chat({ message: 'What does the loom in the north hall weave?' })
      expect(textOf(events)).toBe('Blue cloth [1].')
      const names = events.map(({ data }) => kindOf(data))
      expect(names.slice(-2)).toEqual(['sources', 'done'])
      expect(events.at(-2)?.data['sources']).toMatchObject([{ filename: 'looms.txt', page: null }])
      const done = events.at(-1)?.data as { conversation_id: string }
      expect(await listMessages(client, done.conversation_id)).toHaveLength(2)

      ollama.script('/api/chat', { tokens: ['Hello!'] })
      const direct = await chat({
        message: 'What does the loom weave?',
        use_rag: false,
        history: [
          { role: 'user', content: 'Call me Ishmael.' },
          { role: 'assistant', content: 'Yes, Ishmael.' },
        ],
      })
      expect(direct.map(({ data }) => kindOf(data))).toEqual(['content', 'done'])
      const sent = ollama.requestsTo('/api/chat').at(-1)?.body['messages'] as { content: string }[]
      expect(sent.map(({ content }) => content).join('\n')).toContain('Call me Ishmael.')
      expect(sent.map(({ content }) => content).join('\n')).not.toContain('blue cloth')

      ollama.script('/api/chat', { status: 500, message: 'broken' })
      const failed = (await chat({ message: 'Hm?' })).at(-1)?.data
      expect(failed).toMatchObject({
        done: true,
        message: expect.any(String),
        error: { code: expect.any(String) },
      })
    })

    test('applies a revoked permission from the next message on', async () => {
      const { client: owner } = await registerUser(app)
      const { client: visitor, session } = await registerUser(app)
      const avee = await createAvee(owner)
      const secret = {
        name: 'party.txt',
        content: 'The surprise party for Marta is planned for the ninth of May.',
      }
      await uploadFiles(owner, [secret], { avee: avee.id, layer: 'friends' })
      const permission = `/avees/${avee.id}/permissions/${session.user.id}`
      bodyOf(await owner.put(permission, { max_layer: 'friends' }))
      const { id } = await createConversation(visitor, avee.handle)
      const first = await ask(visitor, id, 'When is the surprise party for Marta planned?')
      expect(textOf(first)).toContain('ninth of May')

      bodyOf(await owner.delete(permission))
      await ask(visitor, id, 'When is the surprise party for Marta planned?')
      const prompt = JSON.stringify(ollama.requestsTo('/api/chat').at(-1)?.body)
      expect(prompt).not.toContain('ninth of May')
      const messages = await listMessages(visitor, id)
      expect(messages.map(({ layer_used }) => layer_used)).toEqual(['friends', 'friends', 'public', 'public'])
      expect(messages.flatMap(({ citations }) => citations)).toEqual([{ n: 1, status: 'no_access' }])
    })

    test('passes no instruction of a document, title, heading, file name or earlier answer on to the model', async () => {
      const { client: owner } = await registerUser(app)
      const { client } = await registerUser(app)
      const avee = await createAvee(owner)
      const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ')
      const files = injections.flatMap(([before, after = ''], i) => {
        const attack = (place: string) => `${before}${orderTo(`${place}${i}`)}${after}`
        const about = `The harbour of pier${i + 100} opens at dawn.`
        return [
          {
            name: `${i}.md`,
            content: `# ${oneLine(attack('title'))}\n\n## ${oneLine(attack('heading'))}\n\n${about} ${attack('text')}`,
          },
          { name: `${oneLine(attack('name')).replaceAll('/', '')}.txt`, content: about },
        ]
      })
      await uploadFiles(owner, files, { avee: avee.id, layer: 'public' })

      const arrived = new Set<string>()
      const verdicts = new Set<string>()
      let asked = 0
      ollama.always('/api/chat', {
        answer(messages) {
          for (const { content } of messages) for (const word of ordersIn(content)) arrived.add(word)
          verdicts.add(obey(messages))
          // Simulates a model that quotes a document.
          const [before, after = ''] = injections[asked] ?? ['']
          return `${before}${orderTo(`answer${asked}`)}${after}`
        },
      })
      let conversation = ''
      for (asked = 0; asked <= injections.length; asked++) {
        // A short conversation is in the next prompt as a whole.
        if (asked % 5 === 0) conversation = (await createConversation(client, avee.handle)).id
        await ask(client, conversation, `When does the harbour of pier${asked + 100} open?`)
        if (asked % 5 === 4) await ask(client, conversation, 'Hello again')
      }
      expect([...verdicts]).toEqual(['No order.'])
      const places = ['text', 'title', 'heading', 'name', 'answer']
      const orders = places.flatMap((place) => injections.map((_, i) => `${place}${i}`))
      expect(orders.filter((order) => !arrived.has(order))).toEqual([])

      ollama.always('/api/chat', { answer: obey })
      const { id } = await createConversation(client, avee.handle)
      expect(textOf(await ask(client, id, orderTo('plainly')))).toBe('plainly')
      ollama.always('/api/chat', undefined)
    }, 120_000)

    // The embedded database executes one statement after the other.
    if (kind === 'postgres')
      test('gives the model a reply of the owner that is stored while the question is', async () => {
        const { client } = await registerUser(app)
        const { id } = await createConversation(client, (await createAvee(client)).id)
        await ask(client, id, 'Where is the lighthouse?')
        const { chat, database } = app.app
        const asked = await database.transaction(async (trx) => {
          const text = 'The lighthouse is in Vellmar.'
          await chat.addOwnerReply(trx, { conversationId: id, text, layer: 'public' })
          const answering = ask(client, id, 'Who keeps it?')
          const isWaiting = sql<{ found: boolean }>`select exists (
            select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock') as found`
          await expect.poll(async () => (await isWaiting.execute(trx)).rows).toEqual([{ found: true }])
          return { answering }
        })
        await asked.answering
        const request = JSON.stringify(ollama.requestsTo('/api/chat').at(-1)?.body)
        expect(request).toContain('The lighthouse is in Vellmar.')
      })

    test('sends at most 9 SQL statements before its first token', async () => {
      const { client } = await registerUser(app)
      const avee = await createAvee(client)
      const content = 'The lighthouse at Kerrow Point was lit in 1874. Its keeper was Ines Valcourt.'
      await uploadFiles(client, [{ name: 'point.md', content }], { avee: avee.id, layer: 'public' })
      // The first question also sends statements that are needed once.
      const { id: first } = await createConversation(client, avee.id)
      await ask(client, first, 'Who keeps it?')
      const { id } = await createConversation(client, avee.id)
      await app.app.jobs.idle()
      ollama.script('/api/chat', { tokens: ['In ', '1874.'], delayMs: 500 })
      const query = vi.spyOn(pg.Client.prototype, 'query')
      for await (const { data } of readEvents(
        await askStream(client, id, 'When was the lighthouse at Kerrow Point lit?'),
      ))
        if (data['token'] !== undefined) break
      const statements = query.mock.calls.map(([statement]) => JSON.stringify(statement))
      // Statements of background runs and jobs, which may be due meanwhile.
      const others =
        /claimable|lease_until is null|jobs|turn_index|turn_vectors|memory_vectors|"(?:begin|commit)"/
      const ofTurn = statements.filter((text) => !others.test(text))
      expect(ofTurn.length, ofTurn.join('\n')).toBeLessThanOrEqual(9)
    })
  })
}
