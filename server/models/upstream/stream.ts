import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import { contextLengthExceeded, notSse } from '../errors.ts'
import type { ModelPart } from '../port.ts'
import { isContextError, parseContextLimit } from './context-limit.ts'
import { sanitizeMessage } from './error-message.ts'
import type { ServiceResponse } from './request.ts'
import type { ModelService } from './service.ts'
import { type Timeouts, type TimeoutWatch, watchTimeouts } from './timeouts.ts'

/** Sends requests and reads answers in a protocol. */
export type Protocol = {
  send(signal: AbortSignal): Promise<ServiceResponse>
  /** Matches the content types that `read` supports. */
  contentTypes: RegExp
  /** Ends with a `finish` part or throws. */
  read(response: ServiceResponse, signal: AbortSignal, watch: TimeoutWatch): AsyncGenerator<ModelPart>
}

/** A chat model of a service. */
export type StreamedModel = {
  /** The name of its provider. */
  provider: string
  service: ModelService
  name: string
  timeouts: Timeouts
  /** Called with the context limit in the error of a rejected prompt. */
  onContextLimit: (limit: number) => void
}

/**
 * Includes the first attempt. Unless the service requests a delay, the retries take about three seconds, because a user
 * is waiting.
 */
const maxAttempts = 4
const defaultRetryMs = 400
/** No retry if the service requests a longer delay. */
const maxRetryDelayMs = 20_000
/** After this wait, a notice explains the delay. */
const defaultWaitingNoticeMs = 4_000

/** Reads one answer, and reports progress without a part to `watch`. */
type ReadParts = (signal: AbortSignal, watch: TimeoutWatch) => AsyncGenerator<ModelPart>

/** Streams one answer over HTTP. @throws the errors of `streamParts` */
export const streamAnswer = (
  model: StreamedModel,
  { send, contentTypes, read }: Protocol,
  signal: AbortSignal,
): AsyncGenerator<ModelPart> =>
  streamParts(
    model,
    async function* (all, watch) {
      const response = await send(all)
      const type = String(response.headers['content-type'] ?? '')
      if (type !== '' && !contentTypes.test(type))
        throw notSse(model.service, sanitizeMessage(type, model.service))
      yield* read(response, all, watch)
    },
    signal,
  )

/**
 * Streams one answer with timeouts and retries.
 *
 *     send ──► headers ──► first part ──► parts … ──► finish
 *      ▲  │ refused, 429,       │
 *      │  │ 502–504             └─ no retry from here on
 *      └──┴─ notice, backoff
 *
 * The request is aborted and its socket closed when the signal aborts or the reader stops reading. Throws the signal's
 * reason or an error of `errors.ts`.
 */
export async function* streamParts(
  { service, name, timeouts, onContextLimit }: StreamedModel,
  read: ReadParts,
  signal: AbortSignal,
): AsyncGenerator<ModelPart> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    let hasStarted = false
    try {
      for await (const part of streamOnce(service, read, timeouts, signal)) {
        if (part.type !== 'waiting') hasStarted = true
        // PostgreSQL text cannot contain NUL.
        yield part.type === 'text' || part.type === 'thinking'
          ? { ...part, text: part.text.replaceAll('\0', '') }
          : part
      }
      return
    } catch (thrown) {
      signal.throwIfAborted()
      const retry =
        hasStarted || attempt === maxAttempts ? undefined : retryDelay(thrown, attempt, timeouts.retryMs)
      if (retry === undefined) {
        if (!isContextError(thrown)) throw thrown
        const limit = parseContextLimit(thrown.text)
        if (limit !== undefined) onContextLimit(limit)
        throw contextLengthExceeded(name, limit)
      }
      yield { type: 'waiting', message: retry.message(service) }
      await delay(retry.ms, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

/** Sends one request. Adds a notice for the user while the first part is delayed. */
async function* streamOnce(
  service: ModelService,
  read: ReadParts,
  timeouts: Timeouts,
  signal: AbortSignal,
): AsyncGenerator<ModelPart> {
  const own = new AbortController()
  const watching = watchTimeouts(service, timeouts)
  const all = AbortSignal.any([signal, own.signal, watching.signal])
  async function* readParts(): AsyncGenerator<ModelPart> {
    watching.startWaiting()
    for await (const part of read(all, watching)) {
      watching.received()
      yield part
      if (part.type === 'finish') return
      watching.startWaiting()
    }
  }
  try {
    const parts = readParts()
    const first = parts.next()
    const noticeMs = timeouts.waitingNoticeMs ?? defaultWaitingNoticeMs
    const isSilent = delay(noticeMs, true, { signal: own.signal, ref: false }).catch(() => false)
    if (await Promise.race([isSilent, first.then(() => false)])) {
      const reason =
        service.kind === 'ollama' || service.kind === 'in_process'
          ? ' It may be loading the model into memory.'
          : ''
      yield { type: 'waiting', message: `${service.nameAtStart} has not started to answer yet.${reason}` }
    }
    const { done, value } = await first
    if (done) return
    yield value
    yield* parts
  } finally {
    watching.stop()
    own.abort()
  }
}

/** Returns the delay before a retry and a notice for the user; undefined if a retry would not help. */
export function retryDelay(
  thrown: unknown,
  attempt: number,
  retryMs = defaultRetryMs,
): { ms: number; message: (service: ModelService) => string } | undefined {
  if (!(thrown instanceof AppError)) return undefined
  const isBusy = /^http_(?:429|502|503|504|529)$/.test(thrown.code)
  if (!isBusy && thrown.code !== 'unreachable') return undefined
  const backoff = retryMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)
  const ms = thrown.retryAfter === undefined ? backoff : Math.max(thrown.retryAfter * 1_000, retryMs)
  if (ms > maxRetryDelayMs) return undefined
  const seconds = Math.max(1, Math.round(ms / 1_000))
  const notice = `retrying in ${seconds} s.`
  return {
    ms,
    message: (service) =>
      isBusy
        ? `${service.nameAtStart} is busy (${thrown.code.slice(5)}); ${notice}`
        : `${service.nameAtStart} does not answer; ${notice}`,
  }
}
