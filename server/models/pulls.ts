import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { EventBody, RunKind, Runs, StartResult } from '../runs/index.ts'
import { ollamaUnavailable, truncated } from './errors.ts'
import type { InProcess } from './in-process/in-process.ts'
import { splitId, withTag } from './names.ts'
import type { Provider } from './providers/provider.ts'
import { parseJsonLines } from './upstream/body.ts'
import { sendRequest } from './upstream/request.ts'
import type { ModelService } from './upstream/service.ts'
import { watchTimeouts } from './upstream/timeouts.ts'

type PullInput = { model: string } | { catalogueId: string } | { chatEngine: true }

const kind = 'pull'
/** Ollama sends nothing while it verifies a file, which takes minutes for a large one on a slow disk. */
const timeouts = { firstTokenMs: 120_000, stallMs: 900_000 }
/** Ollama resumes an interrupted download, so retrying makes progress. */
const maxAttempts = 5
const retryMs = 1_000
/** Limits the rate of progress events, because Ollama reports more often than a page can show. */
const progressIntervalMs = 100

/**
 * Downloads models of Ollama or the catalogue, and the engine of GGUF models, each in a run. Events are Ollama's
 * objects or have the same format; the last one is `{"status":"success"}`. Requests for the same model share one run. A
 * failure ends with Ollama's object `{"error": "sentence"}`, extended by `code` and `message`.
 */
export function createPulls({
  ollama: provider,
  catalogue,
  inProcess,
  runs,
}: {
  ollama: Provider
  /** The models that run in this process, and their provider. */
  catalogue: Pick<InProcess, 'require' | 'download' | 'installChatEngine'>
  inProcess: Provider
  runs: Runs
}) {
  const ollama: ModelService = provider.service
  const definition: RunKind<PullInput> = {
    shared: true,

    async work(context) {
      const { run, signal } = context
      const { input } = run
      for (let attempt = 1; ; attempt++) {
        try {
          const progress =
            'model' in input
              ? pullFromOllama(input.model, signal)
              : 'chatEngine' in input
                ? catalogue.installChatEngine(signal)
                : catalogue.download(await catalogue.require(input.catalogueId), signal)
          const last = await follow(progress, (event) => context.emit(event))
          const changed = 'model' in input ? provider : inProcess
          changed.invalidate()
          return { event: last }
        } catch (thrown) {
          signal.throwIfAborted()
          const isRetryable = thrown instanceof AppError && /^(?:cut|stalled|truncated)$/.test(thrown.code)
          if (!isRetryable || attempt === maxAttempts) throw thrown
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

  /** Emits progress and returns the final success object. */
  async function follow(
    progress: AsyncGenerator<EventBody>,
    emit: (event: EventBody) => Promise<void>,
  ): Promise<EventBody> {
    const throttle = createProgressThrottle()
    for await (const object of progress)
      for (const event of throttle.take(object, performance.now())) {
        if (event['status'] === 'success') return event
        await emit(event)
      }
    throw truncated(ollama)
  }

  async function* pullFromOllama(model: string, signal: AbortSignal): AsyncGenerator<EventBody> {
    const watching = watchTimeouts(ollama, timeouts)
    const all = AbortSignal.any([signal, watching.signal])
    try {
      watching.startWaiting()
      const response = await sendRequest(ollama, {
        method: 'POST',
        path: '/api/pull',
        body: { model, stream: true },
        signal: all,
      })
      for await (const object of parseJsonLines(response, ollama, all)) {
        watching.received()
        yield object as EventBody
        watching.startWaiting()
      }
    } finally {
      watching.stop()
    }
  }

  return {
    /** Starts a download, or joins the one in progress. @throws ollama_away */
    async start(request: {
      userId: string
      model: string
      idempotencyKey?: string | undefined
    }): Promise<StartResult> {
      const { provider: prefix, name } = splitId(request.model)
      const model = prefix === 'ollama' ? name : request.model
      const state = await provider.refresh()
      if (!state.isUp) throw ollamaUnavailable()
      return runs.start<PullInput>({
        kind,
        userId: request.userId,
        subject: withTag(model).toLowerCase(),
        input: { model },
        idempotencyKey: request.idempotencyKey,
      })
    },

    /** Starts the download of a model of the catalogue, or joins the one in progress. @throws model_not_found */
    async startDownload(request: {
      userId: string
      id: string
      idempotencyKey?: string | undefined
    }): Promise<StartResult> {
      const { id } = await catalogue.require(request.id)
      return runs.start<PullInput>({
        kind,
        userId: request.userId,
        subject: `${inProcess.name}/${id}`,
        input: { catalogueId: id },
        idempotencyKey: request.idempotencyKey,
      })
    },

    /** Starts the installation of the engine of GGUF models, or joins the run in progress. */
    installChatEngine: (request: {
      userId: string
      idempotencyKey?: string | undefined
    }): Promise<StartResult> =>
      runs.start<PullInput>({
        kind,
        userId: request.userId,
        subject: `${inProcess.name}/node-llama-cpp`,
        input: { chatEngine: true },
        idempotencyKey: request.idempotencyKey,
      }),
  }
}

/**
 * Limits the progress of each file to about ten objects per second. Keeps the first and the last object of a file and
 * everything that is not progress.
 */
export function createProgressThrottle() {
  let held: EventBody | undefined
  let lastAt = Number.NEGATIVE_INFINITY
  let lastOf: unknown

  return {
    take(event: EventBody, now: number): EventBody[] {
      const { digest, total, completed } = event
      const isSame = digest !== undefined && digest === lastOf
      if (isSame && now - lastAt < progressIntervalMs && completed !== total) {
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
