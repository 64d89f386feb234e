import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { contextLengthExceeded, engineFailed, engineStopped, truncated, unreachable } from '../../errors.ts'
import type { ChatModel, ChatRequest, ModelPart } from '../../port.ts'
import type { TokenCounter } from '../../tokens.ts'
import type { ModelService } from '../../upstream/service.ts'
import { streamParts } from '../../upstream/stream.ts'
import { createThinkingSplitter } from '../../upstream/thinking-splitter.ts'
import type { Timeouts } from '../../upstream/timeouts.ts'
import { idleMs } from '../engine.ts'
import type { GgufHeader } from './gguf.ts'
import { type ChatEngineConfig, findChatEngine } from './install.ts'
import { maxContext, planContext } from './memory.ts'
import type { LlamaAnswer, LlamaReply, LlamaRequest, LlamaSettings, LlamaTask } from './process.ts'

/** A model in the format GGUF. */
export type LlamaModel = { id: string; file: string; size: number; header: GgufHeader }

/** Longer texts are truncated. */
export const maxEmbeddingTokens = 2_048
const maxErrorCharacters = 500

/** Starts a process with one loaded model, which runs one task at a time and ends when it is idle. */
function startProcess(settings: LlamaSettings) {
  const child: ChildProcess = fork(
    fileURLToPath(new URL('./process.ts', import.meta.url)),
    [JSON.stringify(settings)],
    // The server's environment may contain keys.
    { execArgv: [], env: {}, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  )
  const pending = new Map<number, ReadableStreamDefaultController<LlamaReply>>()
  let lastId = 0
  let idle: NodeJS.Timeout | undefined
  let errorOutput = ''
  let isUsable = true
  let hasAnswered = false
  child.stderr?.on('data', (data: Buffer) => {
    errorOutput = (errorOutput + data.toString()).slice(-maxErrorCharacters)
  })
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      isUsable = false
      clearTimeout(idle)
      for (const controller of pending.values()) controller.error(engineStopped(errorOutput))
      pending.clear()
      resolve()
    }
    child.once('exit', end)
    child.once('error', end)
  })
  child.on('message', ({ id, reply }: LlamaAnswer) => {
    hasAnswered = true
    pending.get(id)?.enqueue(reply)
  })

  function stop(): Promise<void> {
    isUsable = false
    child.kill('SIGKILL')
    return ended
  }

  return {
    contextTokens: settings.contextTokens,
    stop,
    get isUsable() {
      return isUsable
    },
    get isLoaded() {
      return isUsable && hasAnswered
    },

    /** Streams the replies to a task. @throws cut if the process ends, or the reason of the signal, which cancels the task */
    async *perform(task: LlamaTask, signal: AbortSignal): AsyncGenerator<LlamaReply> {
      signal.throwIfAborted()
      const id = ++lastId
      const send = (message: LlamaRequest) => {
        if (child.connected) child.send(message)
      }
      const replies = new ReadableStream<LlamaReply>({
        start: (controller) => void pending.set(id, controller),
      })
      const abort = () => pending.get(id)?.error(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      clearTimeout(idle)
      let isFinished = false
      try {
        if (!isUsable) throw engineStopped(errorOutput)
        send({ id, task })
        for await (const reply of replies) {
          isFinished = reply.type !== 'text' && reply.type !== 'thinking'
          yield reply
          if (isFinished) return
        }
      } finally {
        signal.removeEventListener('abort', abort)
        if (!isFinished) send({ cancel: id })
        pending.delete(id)
        if (pending.size === 0 && isUsable) idle = setTimeout(() => void stop(), idleMs).unref()
      }
    },
  }
}
type LlamaProcess = ReturnType<typeof startProcess>

/**
 * Runs models with llama.cpp, at most one that answers and one that embeds, each in a separate process, because a crash
 * in native code ends the process. A process starts with the first task, and again after a crash.
 */
export function createLlama({
  engine,
  service,
  tokens,
  timeouts,
  contextTokens,
}: {
  engine: ChatEngineConfig
  service: ModelService
  tokens: TokenCounter
  timeouts: Timeouts
  /** The context window of the settings. */
  contextTokens: number | undefined
}) {
  const running = new Map<LlamaTask['type'], { file: string; process: LlamaProcess }>()
  let opening: Promise<unknown> = Promise.resolve()
  let isClosed = false

  const find = ({ file }: LlamaModel, type: LlamaTask['type']): LlamaProcess | undefined => {
    const found = running.get(type)
    return found?.file === file && found.process.isUsable ? found.process : undefined
  }
  const plan = (model: LlamaModel, type: LlamaTask['type']): number =>
    planContext(model, {
      limit: type === 'embed' ? maxEmbeddingTokens : contextTokens,
      availableBytes: process.availableMemory(),
    })

  /**
   * Returns the process of a model, replacing that of another model. @throws the problem of the engine,
   * not_enough_memory
   */
  async function open(model: LlamaModel, type: LlamaTask['type']): Promise<LlamaProcess> {
    const opened = opening.then(async () => {
      const found = find(model, type)
      if (found) return found
      if (isClosed) throw engineStopped(undefined)
      await running.get(type)?.process.stop()
      const { entry, problem } = await findChatEngine(engine)
      if (problem) throw problem
      const started = startProcess({
        entry,
        file: model.file,
        contextTokens: plan(model, type),
        threads: Math.max(1, availableParallelism() - 1),
      })
      running.set(type, { file: model.file, process: started })
      return started
    })
    opening = opened.catch(() => undefined)
    return await opened
  }

  async function* answer(
    locate: () => Promise<LlamaModel>,
    request: ChatRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelPart> {
    const model = await locate()
    const opened = await open(model, 'chat')
    const { messages, responseFormat, maxTokens, temperature, topP, seed, stop } = request
    const task: LlamaTask = {
      type: 'chat',
      messages: messages.map(({ role, content }) => ({ role, content })),
      maxTokens,
      temperature,
      topP,
      seed,
      stop,
      json: responseFormat && { schema: responseFormat.schema },
    }
    const splitter = createThinkingSplitter()
    let hasStarted = false
    try {
      for await (const reply of opened.perform(task, signal)) {
        hasStarted = true
        if (reply.type === 'text') yield* splitter.add(reply.text)
        else if (reply.type === 'thinking') yield reply
        else if (reply.type === 'too_long') throw contextLengthExceeded(model.id, opened.contextTokens)
        else if (reply.type === 'error') throw engineFailed(model.id, reply.message)
        else if (reply.type === 'finish') {
          const { reason, promptTokens, completionTokens } = reply
          yield* splitter.end()
          tokens.calibrate(model.id, request, promptTokens)
          yield { type: 'finish', reason, usage: { promptTokens, completionTokens } }
        }
      }
    } catch (thrown) {
      signal.throwIfAborted()
      if (hasStarted || opened.isUsable || isClosed) throw thrown
      throw unreachable(service, 'it has stopped', thrown)
    }
  }

  async function stop(): Promise<void> {
    await opening
    await Promise.all([...running.values()].map((each) => each.process.stop()))
  }

  return {
    isLoaded: (model: LlamaModel): boolean =>
      [find(model, 'chat'), find(model, 'embed')].some((found) => found?.isLoaded),

    /** Returns a chat model; `locate` finds its file. */
    chat: (name: string, locate: () => Promise<LlamaModel>): ChatModel => ({
      name,
      provider: 'in_process',
      remote: false,
      continuation: 'trailing',
      capabilities: ['chat', 'json'],
      unsupported: ['tool_choice'],
      async contextTokens() {
        const model = await locate()
        const loaded = find(model, 'chat')
        if (loaded) return loaded.contextTokens
        try {
          return plan(model, 'chat')
        } catch {
          // If the model cannot be loaded, the answer reports the reason.
          return maxContext(model.header, contextTokens)
        }
      },
      stream: (request, signal) =>
        streamParts(
          { provider: 'in_process', service, name, timeouts, onContextLimit: () => undefined },
          (all) => answer(locate, request, all),
          signal,
        ),
    }),

    /** Returns one vector of length 1 per text. @throws the same errors as an answer */
    async embed(model: LlamaModel, texts: string[], signal: AbortSignal): Promise<Float32Array[]> {
      const opened = await open(model, 'embed')
      for await (const reply of opened.perform({ type: 'embed', texts }, signal)) {
        if (reply.type === 'vectors') return reply.vectors
        if (reply.type === 'error') throw engineFailed(model.id, reply.message)
      }
      throw truncated(service)
    },

    /** Frees the memory of all models; a task that is running ends with an error. */
    stop,

    async [Symbol.asyncDispose]() {
      isClosed = true
      await stop()
    },
  }
}
