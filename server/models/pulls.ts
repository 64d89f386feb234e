import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { EventBody, RunKind, Runs, StartResult } from '../runs/index.ts'
import type { Catalogue } from './catalogue.ts'
import { ollamaUnavailable, truncated, upstreamError } from './errors.ts'
import { parseProvider, withTag } from './names.ts'
import { parseJsonLines } from './upstream/body.ts'
import { errorMessageOf, sanitizeMessage } from './upstream/error-message.ts'
import { sendRequest } from './upstream/request.ts'
import type { ModelService } from './upstream/service.ts'
import { watchTimeouts } from './upstream/timeouts.ts'

type PullInput = { model: string }

const kind = 'pull'
/** Ollama says nothing while it checks the sum of a file, which takes minutes for a large one on a slow disk. */
const patience = { firstTokenMs: 120_000, stallMs: 900_000 }
/** A download goes on from where it broke off, so it is worth asking again. */
const tries = 5
const retryMs = 1_000
const progressEveryMs = 100

/**
 * Downloads of models, each a run: its events are Ollama's own objects, unchanged, the last one
 * `{"status":"success"}`. Two wishes for one model share one run. A failure ends with Ollama's own shape,
 * `{"error": "sentence"}`, and beside it `code` and `message`.
 */
export function createPulls({
  ollama,
  runs,
  catalogue,
}: {
  ollama: ModelService
  runs: Runs
  catalogue: Catalogue
}) {
  const definition: RunKind<PullInput> = {
    shared: true,

    async work(context) {
      const { run, signal } = context
      for (let attempt = 1; ; attempt++) {
        try {
          const last = await pullOnce(run.input.model, (event) => context.emit(event), signal)
          catalogue.invalidate()
          return { event: last }
        } catch (thrown) {
          signal.throwIfAborted()
          const again = thrown instanceof AppError && /^(?:cut|stalled|truncated)$/.test(thrown.code)
          if (!again || attempt === tries) throw thrown
          await delay(retryMs * attempt, undefined, { signal })
        }
      }
    },

    async close(_run, closing) {
      return closing.status === 'stopped'
        ? { event: 'stopped', status: 'stopped' }
        : { error: closing.error.message, code: closing.error.code, message: closing.error.message }
    },
  }
  runs.register(kind, definition)

  /** Hands the progress on and returns the object that says success. */
  async function pullOnce(
    model: string,
    emit: (event: EventBody) => Promise<void>,
    signal: AbortSignal,
  ): Promise<EventBody> {
    const watching = watchTimeouts(ollama, patience)
    const all = AbortSignal.any([signal, watching.signal])
    try {
      watching.startWaiting()
      const response = await sendRequest(ollama, {
        method: 'POST',
        path: '/api/pull',
        body: { model, stream: true },
        signal: all,
      })
      const thinned = createProgressThrottle()
      for await (const object of parseJsonLines(response, ollama, all)) {
        watching.received()
        const error = errorMessageOf(object)
        if (error !== undefined) throw upstreamError(ollama, sanitizeMessage(error, ollama))
        for (const event of thinned.take(object as EventBody, performance.now())) {
          if (event['status'] === 'success') return event
          await emit(event)
        }
        watching.startWaiting()
      }
      throw truncated(ollama)
    } finally {
      watching.stop()
    }
  }

  return {
    /** Begins a download, or joins the one of this model that is under way. Throws `ollama_away`. */
    async start(wish: { userId: string; model: string; idempotencyKey?: string }): Promise<StartResult> {
      const model =
        parseProvider(wish.model).provider === 'ollama' ? parseProvider(wish.model).name : wish.model
      const seen = await catalogue.look()
      if (!seen.up) throw ollamaUnavailable(ollama.address)
      return runs.start<PullInput>({
        kind,
        userId: wish.userId,
        subject: withTag(model).toLowerCase(),
        input: { model },
        ...(wish.idempotencyKey === undefined ? {} : { idempotencyKey: wish.idempotencyKey }),
      })
    },
  }
}

/**
 * Lets through what a person can follow: of each file's progress about ten objects a second, always the first and the
 * last, and everything that is not progress. No object is changed.
 */
export function createProgressThrottle() {
  let held: EventBody | undefined
  let lastAt = Number.NEGATIVE_INFINITY
  let lastOf: unknown

  return {
    take(event: EventBody, now: number): EventBody[] {
      const { digest, total, completed } = event
      const isSame = digest !== undefined && digest === lastOf
      if (isSame && now - lastAt < progressEveryMs && completed !== total) {
        held = event
        return []
      }
      const before = held !== undefined && !isSame ? [held] : []
      held = undefined
      lastOf = digest
      lastAt = now
      return [...before, event]
    },
  }
}
