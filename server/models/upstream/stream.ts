import { setTimeout as delay } from 'node:timers/promises'
import type { Response } from 'undici'
import { AppError } from '../../errors.ts'
import type { ModelPart } from '../port.ts'
import type { ModelService } from './service.ts'
import { type Timeouts, type TimeoutWatch, watchTimeouts } from './timeouts.ts'

/** How one protocol asks and how it reads the answer. */
export type Protocol = {
  send(signal: AbortSignal): Promise<Response>
  /** Ends only after a `finish` part; throws a fault otherwise. */
  read(response: Response, signal: AbortSignal, watch: TimeoutWatch): AsyncGenerator<ModelPart>
}

const attempts = 4
const defaultRetryMs = 400
/** A service that asks to wait longer than this is not waited for. */
const maxRetryDelayMs = 20_000
const defaultWaitingNoticeMs = 4_000

/**
 * One answer, part by part, with the silences watched and the faults told apart.
 *
 *     send ──► headers ──► first part ──► parts … ──► finish
 *       │  refused, 429,       │
 *       └─ 502–504: wait, ◄────┘ nothing is repeated from here on
 *          tell, send again
 *
 * The request is aborted (and its socket closed) when the signal fires and when the reader stops reading.
 * Throws the signal's reason, or an AppError of `errors.ts`.
 */
export async function* streamAnswer(
  service: ModelService,
  protocol: Protocol,
  patience: Timeouts,
  signal: AbortSignal,
): AsyncGenerator<ModelPart> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    let begun = false
    try {
      for await (const part of withWaitingNotice(
        startAttempt(service, protocol, patience, signal),
        service,
        patience,
      )) {
        if (part.type !== 'waiting') begun = true
        // No store keeps the character NUL.
        yield part.type === 'text' ? { ...part, text: part.text.replaceAll('\0', '') } : part
      }
      return
    } catch (thrown) {
      signal.throwIfAborted()
      const wait = begun || attempt === attempts ? undefined : retryDelay(thrown, attempt, patience.retryMs)
      if (wait === undefined) throw thrown
      yield { type: 'waiting', message: wait.message(service) }
      await delay(wait.ms, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

type Cancellable = { parts: AsyncGenerator<ModelPart>; abort: () => void }

function startAttempt(
  service: ModelService,
  protocol: Protocol,
  patience: Timeouts,
  signal: AbortSignal,
): Cancellable {
  const own = new AbortController()
  const watching = watchTimeouts(service, patience)
  const all = AbortSignal.any([signal, own.signal, watching.signal])
  async function* parts(): AsyncGenerator<ModelPart> {
    try {
      watching.startWaiting()
      const response = await protocol.send(all)
      for await (const part of protocol.read(response, all, watching)) {
        watching.received()
        yield part
        if (part.type === 'finish') return
        watching.startWaiting()
      }
    } finally {
      watching.stop()
      own.abort()
    }
  }
  return { parts: parts(), abort: () => own.abort() }
}

/** The parts, with a word to the person who waits when the first is long in coming. */
async function* withWaitingNotice(
  { parts, abort }: Cancellable,
  service: ModelService,
  patience: Timeouts,
): AsyncGenerator<ModelPart> {
  const timer = new AbortController()
  try {
    const first = parts.next()
    const quiet = delay(patience.waitingNoticeMs ?? defaultWaitingNoticeMs, true, {
      signal: timer.signal,
    }).catch(() => false)
    if (await Promise.race([quiet, first.then(() => false)])) {
      const reason =
        service.kind === 'ollama' ? ' A model that was not in use is loaded into memory first.' : ''
      yield {
        type: 'waiting',
        message: `${service.nameAtStart} has the question; no word has come yet.${reason}`,
      }
    }
    const { done, value } = await first
    if (done) return
    yield value
    yield* parts
  } finally {
    timer.abort()
    abort()
  }
}

/** How long to wait before trying again and what to say meanwhile; undefined when trying again is of no use. */
export function retryDelay(
  thrown: unknown,
  attempt: number,
  retryMs = defaultRetryMs,
): { ms: number; message: (service: ModelService) => string } | undefined {
  if (!(thrown instanceof AppError)) return undefined
  const busy = /^http_(?:429|502|503|504)$/.test(thrown.code)
  if (!busy && thrown.code !== 'unreachable') return undefined
  const backoff = retryMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)
  const ms = thrown.retryAfter === undefined ? backoff : Math.max(thrown.retryAfter * 1_000, retryMs)
  if (ms > maxRetryDelayMs) return undefined
  const seconds = Math.max(1, Math.round(ms / 1_000))
  const again = `trying again in ${seconds} s.`
  return {
    ms,
    message: (service) =>
      busy
        ? `${service.nameAtStart} is busy (${thrown.code.slice(5)}); ${again}`
        : `${service.nameAtStart} does not answer; ${again}`,
  }
}
