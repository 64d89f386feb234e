import { setTimeout as delay } from 'node:timers/promises'
import type { Response } from 'undici'
import { AppError } from '../../errors.ts'
import type { ModelPart } from '../port.ts'
import type { Service } from './service.ts'
import { type Patience, type Watch, watch } from './watch.ts'

/** How one protocol asks and how it reads the answer. */
export type Protocol = {
  send(signal: AbortSignal): Promise<Response>
  /** Ends only after a `finish` part; throws a fault otherwise. */
  read(response: Response, signal: AbortSignal, watch: Watch): AsyncGenerator<ModelPart>
}

const attempts = 4
const usualRetryMs = 400
/** A service that asks to wait longer than this is not waited for. */
const longestWaitMs = 20_000
const defaultQuietMs = 4_000

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
  service: Service,
  protocol: Protocol,
  patience: Patience,
  signal: AbortSignal,
): AsyncGenerator<ModelPart> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    let begun = false
    try {
      for await (const part of announced(
        oneAttempt(service, protocol, patience, signal),
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
      const wait = begun || attempt === attempts ? undefined : waitBefore(thrown, attempt, patience.retryMs)
      if (wait === undefined) throw thrown
      yield { type: 'waiting', message: wait.message(service) }
      await delay(wait.ms, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

type Cancellable = { parts: AsyncGenerator<ModelPart>; abort: () => void }

function oneAttempt(
  service: Service,
  protocol: Protocol,
  patience: Patience,
  signal: AbortSignal,
): Cancellable {
  const own = new AbortController()
  const watching = watch(service, patience)
  const all = AbortSignal.any([signal, own.signal, watching.signal])
  async function* parts(): AsyncGenerator<ModelPart> {
    try {
      watching.listen()
      const response = await protocol.send(all)
      for await (const part of protocol.read(response, all, watching)) {
        watching.heard()
        yield part
        if (part.type === 'finish') return
        watching.listen()
      }
    } finally {
      watching.stop()
      own.abort()
    }
  }
  return { parts: parts(), abort: () => own.abort() }
}

/** The parts, with a word to the person who waits when the first is long in coming. */
async function* announced(
  { parts, abort }: Cancellable,
  service: Service,
  patience: Patience,
): AsyncGenerator<ModelPart> {
  const timer = new AbortController()
  try {
    const first = parts.next()
    const quiet = delay(patience.quietMs ?? defaultQuietMs, true, { signal: timer.signal }).catch(() => false)
    if (await Promise.race([quiet, first.then(() => false)])) {
      const reason =
        service.kind === 'ollama' ? ' A model that was not in use is loaded into memory first.' : ''
      yield { type: 'waiting', message: `${service.Title} has the question; no word has come yet.${reason}` }
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
export function waitBefore(
  thrown: unknown,
  attempt: number,
  retryMs = usualRetryMs,
): { ms: number; message: (service: Service) => string } | undefined {
  if (!(thrown instanceof AppError)) return undefined
  const busy = /^http_(?:429|502|503|504)$/.test(thrown.code)
  if (!busy && thrown.code !== 'unreachable') return undefined
  const backoff = retryMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)
  const ms = thrown.retryAfter === undefined ? backoff : Math.max(thrown.retryAfter * 1_000, retryMs)
  if (ms > longestWaitMs) return undefined
  const seconds = Math.max(1, Math.round(ms / 1_000))
  const again = `trying again in ${seconds} s.`
  return {
    ms,
    message: (service) =>
      busy
        ? `${service.Title} is busy (${thrown.code.slice(5)}); ${again}`
        : `${service.Title} does not answer; ${again}`,
  }
}
