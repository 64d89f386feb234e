import { expect, test } from 'vitest'
import { answerFold } from './answer.ts'
import { ApiError, createClient } from './client.ts'
import { createRunHub } from './run-store.ts'
import { sendOnce } from './send-once.ts'

const log = [
  { token: 'Hello' },
  { token: ' there' },
  {
    event: 'complete',
    message_id: '0199aaaa-0000-7000-8000-000000000001',
    total_tokens: 2,
    usage: { prompt_tokens: 1, completion_tokens: 2 },
    finish_reason: 'stop',
    citations: [],
    memories: [],
  },
]
const frames = (after: number): string =>
  log
    .map((data, i) => ({ n: i + 1, text: `data: ${JSON.stringify(data)}\nid: ${i + 1}\n\n` }))
    .filter(({ n }) => n > after)
    .map(({ text }) => text)
    .join('')
const stream = (text: string): Response => new Response(text, { headers: { 'X-Run-Id': 'run' } })

function hubWithServer(answer: (path: string, init: RequestInit) => Response) {
  const asked: string[] = []
  const client = createClient({
    fetch: async (url, init) => {
      asked.push(`${init?.method} ${String(url)}`)
      return answer(String(url), init ?? {})
    },
  })
  return {
    client,
    asked,
    hub: createRunHub(client, { keepMs: 0, reader: { onWake: () => () => undefined } }),
  }
}

test('reads a run once for any number of subscribers, from the first subscription on', async () => {
  const { hub, asked } = hubWithServer(() => stream(frames(0)))
  const store = hub.follow('run', answerFold)
  expect(hub.follow('run', answerFold)).toBe(store)
  expect(asked).toEqual([])
  expect(store.getSnapshot()).toMatchObject({
    connection: 'connecting',
    value: { phase: 'waiting', text: '' },
  })
  const texts: string[] = []
  const leave = [
    store.subscribe(() => texts.push(store.getSnapshot().value.text)),
    store.subscribe(() => undefined),
  ]
  const end = await store.ended
  expect(end).toMatchObject({ connection: 'ended', value: { phase: 'complete', text: 'Hello there' } })
  expect(texts.at(-1)).toBe('Hello there')
  expect(asked).toEqual(['GET /runs/run/events?format=gabee'])
  for (const go of leave) go()
})

test('uses the response of the request that started the run as its first connection', async () => {
  const { hub, asked } = hubWithServer((_path, init) =>
    stream(frames(Number(new Headers(init.headers).get('Last-Event-ID') ?? 0))),
  )
  const store = hub.adopt(stream(frames(0)), answerFold)
  store.subscribe(() => undefined)
  await store.ended
  expect(asked).toEqual([])
})

test('reports why a run cannot be read', async () => {
  const { hub } = hubWithServer(
    () =>
      new Response(JSON.stringify({ error: { code: 'run_not_found', message: 'No such run.' } }), {
        status: 404,
      }),
  )
  const store = hub.follow('run', answerFold)
  store.subscribe(() => undefined)
  const { connection, error } = await store.ended
  expect(connection).toBe('refused')
  expect(error?.message).toBe('No such run.')
})

test('repeats a request without a response with the same key, but not after an error response', async () => {
  const keys = new Set<string>()
  let calls = 0
  const response = await sendOnce(
    async (key) => {
      keys.add(key)
      calls += 1
      if (calls === 1) throw new ApiError(0, 'unreachable', 'gone')
      if (calls === 2) throw new ApiError(503, 'shutting_down', 'closing')
      return stream('')
    },
    () => Promise.resolve(),
  )
  expect(response.ok).toBe(true)
  expect([calls, keys.size]).toEqual([3, 1])

  calls = 0
  const refused = sendOnce(
    async () => {
      calls += 1
      throw new ApiError(503, 'model_away', 'The model is away.')
    },
    () => Promise.resolve(),
  )
  await expect(refused).rejects.toThrow('The model is away.')
  expect(calls).toBe(1)
})
