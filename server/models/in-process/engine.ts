import { once } from 'node:events'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { engineFailed, engineStopped, runtimeMissing } from '../errors.ts'
import type { EngineAnswer, EngineModel, EngineRequest, EngineTask } from './worker.ts'

/** Time after which an idle engine releases its memory. */
export const idleMs = 10 * 60_000

type Pending = {
  model: EngineModel
  resolve(result: Float32Array[] | number[]): void
  reject(error: unknown): void
}

/**
 * Runs models in a worker thread, one task at a time. The worker starts with the first task, ends when it is idle, and
 * starts again after a crash.
 */
export function createEngine({ runtime = 'onnxruntime-node' }: { runtime?: string } = {}) {
  let worker: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  let lastId = 0
  const pending = new Map<number, Pending>()
  const loaded = new Set<string>()

  function start(): Worker {
    const started = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { runtime },
      execArgv: [],
    })
    let cause: unknown
    started.on('error', (error) => {
      cause = error
    })
    started.on('exit', () => {
      if (worker !== started) return
      worker = undefined
      loaded.clear()
      for (const { reject } of pending.values()) reject(engineStopped(cause))
      pending.clear()
    })
    started.on('message', (answer: EngineAnswer) => {
      const asked = pending.get(answer.id)
      finish(answer.id)
      if (!asked) return
      if ('result' in answer) {
        loaded.add(asked.model.folder)
        asked.resolve(answer.result)
      } else
        asked.reject(
          answer.isMissing
            ? runtimeMissing(answer.error)
            : engineFailed(path.basename(asked.model.folder), answer.error),
        )
    })
    return started
  }

  /** If no task is pending, allows the process to exit, and ends the worker after a while. */
  function finish(id: number): void {
    pending.delete(id)
    if (pending.size > 0) return
    worker?.unref()
    clearTimeout(idle)
    idle = setTimeout(() => void stop(), idleMs)
    idle.unref()
  }

  async function stop(): Promise<void> {
    clearTimeout(idle)
    if (!worker) return
    const exited = once(worker, 'exit')
    await worker.terminate()
    await exited
  }

  async function perform(task: EngineTask, signal: AbortSignal): Promise<Float32Array[] | number[]> {
    signal.throwIfAborted()
    worker ??= start()
    worker.ref()
    clearTimeout(idle)
    const id = ++lastId
    const send = (message: EngineRequest) => worker?.postMessage(message)
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array[] | number[]>()
    pending.set(id, { model: task.model, resolve, reject })
    const cancel = () => {
      send({ cancel: id })
      finish(id)
      reject(signal.reason)
    }
    signal.addEventListener('abort', cancel, { once: true })
    try {
      send({ id, task })
      return await promise
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  return {
    /** Returns one vector of length 1 per text. @throws runtime_missing, engine_failed; cut if the worker has crashed */
    embed: async (model: EngineModel, texts: string[], signal: AbortSignal) =>
      (await perform({ type: 'embed', model, texts }, signal)) as Float32Array[],

    /** Returns the score of each text for a query; higher is better. Throws the same errors. */
    score: async (model: EngineModel, query: string, texts: string[], signal: AbortSignal) =>
      (await perform({ type: 'score', model, query, texts }, signal)) as number[],

    isLoaded: ({ folder }: EngineModel): boolean => loaded.has(folder),

    /** Frees the memory of all models; a task that is running ends with an error. */
    stop,

    [Symbol.asyncDispose]: stop,
  }
}
export type Engine = ReturnType<typeof createEngine>

/** Returns the reason why models cannot run in this process, or null. Does not load the runtime. */
export function findRuntimeProblem(): string | null {
  try {
    for (const name of ['onnxruntime-node', '@huggingface/tokenizers']) import.meta.resolve(name)
    return null
  } catch {
    return runtimeMissing(undefined).message
  }
}
