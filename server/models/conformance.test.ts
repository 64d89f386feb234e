import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Script, ScriptedServer } from '../../test/model-servers.ts'
import { adapters, apiKey } from '../../test/models/adapters.ts'
import { AppError } from '../errors.ts'
import type { ChatMessage, ChatModel, ModelPart } from './port.ts'
import type { Timeouts } from './upstream/timeouts.ts'

const twenty = Array.from({ length: 20 }, (_, i) => ` word${i}`)

const ask = (model: ChatModel, signal = AbortSignal.timeout(60_000), messages?: ChatMessage[]) =>
  model.stream(
    {
      messages: messages ?? [{ role: 'user', content: 'Count to twenty.' }],
      grounding: { question: '', passages: [], answerable: null },
    },
    signal,
  )

/** Collects the parts of a stream, and the error that ended it. */
async function outcome(parts: AsyncGenerator<ModelPart>) {
  const seen: ModelPart[] = []
  let error: unknown
  try {
    for await (const part of parts) seen.push(part)
  } catch (thrown) {
    error = thrown
  }
  const text = (type: 'text' | 'thinking') =>
    seen.map((part) => (part.type === type ? part.text : '')).join('')
  return {
    text: text('text'),
    thinking: text('thinking'),
    waiting: seen.filter((part) => part.type === 'waiting').map((part) => part.message),
    finish: seen.find((part) => part.type === 'finish'),
    code: error instanceof AppError ? error.code : undefined,
    error,
  }
}

describe.each(adapters)('a model of $name', ({ path, start, model }) => {
  let upstream: ScriptedServer
  beforeEach(async () => {
    upstream = await start()
  })
  afterEach(() => upstream[Symbol.asyncDispose]())

  const play = (script: Script, more?: Partial<Timeouts>) => {
    upstream.script(path, { tokens: twenty, ...script })
    return outcome(ask(model(upstream.url, more)))
  }

  test('streams a complete answer with token counts', async () => {
    const { text, finish, error } = await play({})
    expect(error).toBeUndefined()
    expect(text).toBe(twenty.join(''))
    expect(finish).toEqual({
      type: 'finish',
      reason: 'stop',
      usage: { promptTokens: 4, completionTokens: 20 },
    })
  })

  test('distinguishes a truncated answer from a complete one', async () => {
    expect((await play({ finish: 'length' })).finish).toMatchObject({ reason: 'length' })
  })

  test('joins characters that are split across chunks', async () => {
    const tokens = ['Grüße', ' 你好', ' 👩‍👩‍👧', ' naïve']
    expect((await play({ tokens, isBytewise: true })).text).toBe(tokens.join(''))
  })

  test('accepts a finished answer without the protocol’s last line', async () => {
    const { text, finish, error } = await play({ fault: 'no-done', afterTokens: 20 })
    expect(error).toBeUndefined()
    expect(text).toBe(twenty.join(''))
    expect(finish).toMatchObject({ reason: 'stop' })
  })

  test.each([
    ['the connection dies', 'die', 'cut'],
    ['the body ends early', 'cut', 'truncated'],
    ['the body ends inside a line', 'cut-in-line', 'bad_json'],
    ['the finish reason is missing', 'no-finish', 'truncated'],
    ['a line is not JSON', 'malformed', 'bad_json'],
    ['an error object is sent', 'error', 'upstream_error'],
    ['an error object is sent before further tokens', 'error-goes-on', 'upstream_error'],
  ] as const)('reports once that %s, and keeps the partial answer', async (_, fault, code) => {
    const result = await play({ fault })
    expect(result.code).toBe(code)
    expect(result.text).toBe(fault === 'no-finish' ? twenty.join('') : twenty.slice(0, 5).join(''))
    expect(result.finish).toBeUndefined()
    expect(upstream.requestsTo(path)).toHaveLength(1)
  })

  test('reports the message of an error in the stream', async () => {
    const { error } = await play({ fault: 'error', message: 'CUDA out of memory' })
    expect(error).toMatchObject({ message: expect.stringContaining('CUDA out of memory') })
  })

  test('reports a stall after its timeout and closes the connection', async () => {
    const { code, text } = await play({ fault: 'stall' }, { stallMs: 300 })
    expect(code).toBe('stalled')
    expect(text).toBe(twenty.slice(0, 5).join(''))
    const [request] = upstream.requestsTo(path)
    await request?.closed
    expect(request?.closedEarly).toBe(true)
  })

  test('reports a missing first token and closes the connection', async () => {
    const { code } = await play({ beforeHeaders: 'hang' }, { firstTokenMs: 300 })
    expect(code).toBe('no_first_token')
    const [request] = upstream.requestsTo(path)
    await request?.closed
    expect(request?.closedEarly).toBe(true)
  })

  test('does not report a stall when the reader is slow', async () => {
    upstream.script(path, { tokens: twenty })
    let text = ''
    for await (const part of ask(model(upstream.url, { stallMs: 300 }))) {
      if (part.type === 'text') text += part.text
      if (text === twenty.slice(0, 3).join('')) await delay(500)
    }
    expect(text).toBe(twenty.join(''))
  })

  test('sends a notice while the first token is delayed', async () => {
    const { waiting, text } = await play({ firstDelayMs: 150 }, { waitingNoticeMs: 30 })
    expect(waiting).toEqual([expect.stringContaining('has not started to answer yet')])
    expect(text).toBe(twenty.join(''))
  })

  test('does not retry a request that the service has received', async () => {
    expect((await play({ beforeHeaders: 'die' })).code).toBe('cut')
    expect(upstream.requestsTo(path)).toHaveLength(1)
  })

  test('rejects a login page', async () => {
    const { code, text } = await play({ html: true })
    expect(code).toBe('not_sse')
    expect(text).toBe('')
  })

  test.each([400, 401, 404, 500])('reports status %i at once', async (status) => {
    const { code, error } = await play({ status, message: 'the reason of it' })
    expect(code).toBe(`http_${status}`)
    expect(error).toMatchObject({ message: expect.stringContaining('the reason of it') })
    expect(upstream.requestsTo(path)).toHaveLength(1)
  })

  test.each([502, 503, 504])('retries after status %i with a notice', async (status) => {
    upstream.script(path, { status })
    const { text, waiting } = await play({})
    expect(text).toBe(twenty.join(''))
    expect(waiting).toEqual([expect.stringContaining(`busy (${status})`)])
    expect(upstream.requestsTo(path)).toHaveLength(2)
  })

  test('waits for the Retry-After of a busy service', async () => {
    upstream.script(path, { status: 429, retryAfter: 1 })
    const { text, waiting } = await play({})
    expect(text).toBe(twenty.join(''))
    expect(waiting).toEqual([expect.stringContaining('retrying in 1 s')])
  })

  test('does not wait for a long Retry-After', async () => {
    const { code, error } = await play({ status: 429, retryAfter: 600 })
    expect(code).toBe('http_429')
    expect(error).toMatchObject({ retryAfter: 600 })
  })

  test('gives up on a service that stays busy', async () => {
    upstream.always(path, { status: 503 })
    const { code, waiting } = await outcome(ask(model(upstream.url)))
    expect(code).toBe('http_503')
    expect(waiting).toHaveLength(3)
    expect(upstream.requestsTo(path)).toHaveLength(4)
  })

  test('explains how to reach an unavailable service', async () => {
    const stopped = await start()
    const { url } = stopped
    await stopped[Symbol.asyncDispose]()
    const { code, error, waiting } = await outcome(ask(model(url)))
    expect(code).toBe('unreachable')
    expect(waiting).toHaveLength(3)
    expect(error).toMatchObject({ status: 503, message: expect.stringContaining('connection refused') })
  })

  test('reaches a service that starts during the retries', async () => {
    const stopped = await start()
    const { url } = stopped
    const port = Number(new URL(url).port)
    await stopped[Symbol.asyncDispose]()
    const parts = ask(model(url, { retryMs: 200 }))
    const first = await parts.next()
    expect(first.value).toMatchObject({ type: 'waiting' })
    await using back = await start({ port })
    back.script(path, { tokens: twenty })
    expect((await outcome(parts)).text).toBe(twenty.join(''))
  })

  test('never shows the API key', async () => {
    const { error } = await play({ status: 401, message: `Bad key ${apiKey}, header Bearer ${apiKey}` })
    expect(String(error)).not.toContain(apiKey)
    expect(JSON.stringify(error)).not.toContain(apiKey)
  })

  test('shortens an error page to its text', async () => {
    const page = `<html><style>p{}</style><body>${'<p>Bad gateway of the proxy</p>'.repeat(100)}</body></html>`
    const { error } = await play({ status: 500, body: page })
    const { message } = error as AppError
    expect(message).toContain('Bad gateway of the proxy')
    expect(message).not.toMatch(/[<>]/)
    expect(message.length).toBeLessThan(450)
  })

  test('recognizes context length errors', async () => {
    const message = "This model's maximum context length is 4096 tokens, however you requested 9000 tokens."
    const { code, error } = await play({ status: 400, message })
    expect(code).toBe('context_length_exceeded')
    expect(error).toMatchObject({ details: { limit: 4096 } })
  })

  test('reports tool calls after the text, each as one part', async () => {
    upstream.script(path, {
      tokens: ['One', ' moment.'],
      toolCalls: [
        { name: 'weather', arguments: { city: 'Oslo' } },
        { name: 'time', arguments: {} },
      ],
    })
    const parts = await Array.fromAsync(ask(model(upstream.url)))
    expect(parts.slice(2)).toMatchObject([
      {
        type: 'tool_call',
        id: expect.stringContaining('call_'),
        name: 'weather',
        arguments: '{"city":"Oslo"}',
      },
      { type: 'tool_call', name: 'time', arguments: '{}' },
      { type: 'finish', reason: 'tool_calls' },
    ])
    expect(new Set(parts.map((part) => part.type === 'tool_call' && part.id))).toHaveProperty('size', 3)
  })

  test('separates thinking from the answer', async () => {
    const { thinking, text } = await play({ thinking: ['Let me', ' see.'], tokens: ['Yes', '.'] })
    expect(thinking).toBe('Let me see.')
    expect(text).toBe('Yes.')
  })

  test('separates thinking tags in the text, however it is chunked', async () => {
    const whole = '<think>Is it so?\nI think </thi so.</think>\n\nYes, <think> is a tag.'
    const { thinking, text } = await play({ tokens: whole.split('') })
    expect(thinking).toBe('Is it so?\nI think </thi so.')
    expect(text).toBe('Yes, <think> is a tag.')
  })

  describe('when it is stopped', () => {
    test.each([
      ['before the headers', { beforeHeaders: 'hang' } as Script, 0],
      ['in the middle of the answer', { fault: 'stall' } as Script, 5],
    ])('%s, throws the reason and closes the connection', async (_, script, tokens) => {
      upstream.script(path, { tokens: twenty, ...script })
      const stop = new AbortController()
      const parts = ask(model(upstream.url), stop.signal)
      for (let i = 0; i < tokens; i++) await parts.next()
      const next = parts.next()
      const request = await upstream.waitForRequest(path)
      stop.abort('stopped')
      await expect(next).rejects.toBe('stopped')
      await request.closed
      expect(request.closedEarly).toBe(true)
    })

    test('during a retry delay, throws the reason', async () => {
      upstream.script(path, { status: 429, retryAfter: 15 })
      const stop = new AbortController()
      const parts = ask(model(upstream.url), stop.signal)
      expect((await parts.next()).value).toMatchObject({ type: 'waiting' })
      const next = parts.next()
      stop.abort('stopped')
      await expect(next).rejects.toBe('stopped')
    })

    test('before it starts, sends nothing', async () => {
      await expect(ask(model(upstream.url), AbortSignal.abort('stopped')).next()).rejects.toBe('stopped')
      expect(upstream.requests).toHaveLength(0)
    })

    test('by a reader that stops reading, closes the connection', async () => {
      upstream.script(path, { tokens: twenty, fault: 'stall' })
      for await (const part of ask(model(upstream.url), new AbortController().signal))
        if (part.type === 'text') break
      const [request] = upstream.requestsTo(path)
      await request?.closed
      expect(request?.closedEarly).toBe(true)
    })

    test('by a reader that disconnects before the first part, closes the connection', async () => {
      upstream.script(path, { beforeHeaders: 'hang' })
      const arrival = upstream.waitForRequest(path)
      for await (const part of ask(
        model(upstream.url, { waitingNoticeMs: 20, firstTokenMs: 600_000 }),
        new AbortController().signal,
      )) {
        await arrival
        if (part.type === 'waiting') break
      }
      const request = await arrival
      await request.closed
      expect(request.closedEarly).toBe(true)
    })
  })
})
