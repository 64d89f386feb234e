import type { ChatMessage, FinishReason, JsonSchema } from '../../port.ts'
import { batchTokens } from './memory.ts'

/** The settings of the process, as JSON in its first argument. */
export type LlamaSettings = {
  /** The module of node-llama-cpp. */
  entry: string
  /** The file of the model. */
  file: string
  contextTokens: number
  threads: number
}

export type ChatTask = {
  type: 'chat'
  messages: Pick<ChatMessage, 'role' | 'content'>[]
  maxTokens?: number | undefined
  temperature?: number | undefined
  topP?: number | undefined
  seed?: number | undefined
  stop?: string[] | undefined
  /** Output as JSON, by the schema if there is one. */
  json?: { schema?: JsonSchema | undefined } | undefined
}
export type LlamaTask = ChatTask | { type: 'embed'; texts: string[] }
export type LlamaRequest = { id: number; task: LlamaTask } | { cancel: number }

export type LlamaReply =
  | { type: 'text' | 'thinking'; text: string }
  | { type: 'finish'; reason: FinishReason; promptTokens: number; completionTokens: number }
  | { type: 'vectors'; vectors: Float32Array[] }
  /** The prompt does not fit into the context window. */
  | { type: 'too_long' }
  | { type: 'error'; message: string }
export type LlamaAnswer = { id: number; reply: LlamaReply }

// The parts of node-llama-cpp that are used, because the package is not installed at compile time.
type Grammar = object
type HistoryItem = { type: 'system' | 'user'; text: string } | { type: 'model'; response: string[] }
type Sequence = { tokenMeter: { usedOutputTokens: number } }
type Chat = {
  chatWrapper: {
    generateContextState(options: { chatHistory: HistoryItem[] }): {
      contextText: { tokenize(tokenizer: unknown): readonly number[] }
    }
  }
  generateResponse(
    history: HistoryItem[],
    options: {
      onResponseChunk(chunk: { segmentType?: string | undefined; text: string }): void
      signal: AbortSignal
      stopOnAbortSignal: boolean
      maxTokens: number
      temperature: number
      topP?: number | undefined
      seed?: number | undefined
      customStopTriggers?: string[] | undefined
      grammar?: Grammar | undefined
    },
  ): Promise<{ metadata: { stopReason: string } }>
}
type Model = {
  tokenizer: unknown
  embeddingVectorSize: number
  tokenize(text: string): readonly number[]
  detokenize(tokens: readonly number[]): string
  createContext(options: object): Promise<{ contextSize: number; getSequence(): Sequence }>
  createEmbeddingContext(options: object): Promise<{
    getEmbeddingFor(text: string): Promise<{ vector: readonly number[] }>
  }>
}
type Llama = {
  loadModel(options: object): Promise<Model>
  createGrammarForJsonSchema(schema: JsonSchema): Promise<Grammar>
  getGrammarFor(type: 'json'): Promise<Grammar>
}
type Engine = {
  getLlama(options: object): Promise<Llama>
  LlamaChat: new (options: { contextSequence: Sequence }) => Chat
}

/** Recommended for most chat models; by default, llama.cpp always chooses the likeliest token. */
const defaultTemperature = 0.7
const defaultTopP = 0.9

const { entry, file, contextTokens, threads } = JSON.parse(process.argv[2] ?? '') as LlamaSettings

/** Calls a function once. */
function once<Value>(create: () => Promise<Value>): () => Promise<Value> {
  let created: Promise<Value> | undefined
  return () => (created ??= create())
}

const load = once(async () => {
  const engine = (await import(entry)) as Engine
  const llama = await engine.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: 'error',
  })
  // The server has already checked the memory.
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0, ignoreMemorySafetyChecks: true })
  return { engine, llama, model }
})
const options = { threads, batchSize: batchTokens, ignoreMemorySafetyChecks: true }
const openChat = once(async () => {
  const { engine, llama, model } = await load()
  const context = await model.createContext({ ...options, contextSize: contextTokens })
  const sequence = context.getSequence()
  const chat = new engine.LlamaChat({ contextSequence: sequence })
  return { llama, model, sequence, chat, contextSize: context.contextSize }
})
const openEmbedding = once(async () => {
  const { model } = await load()
  return { model, context: await model.createEmbeddingContext({ ...options, contextSize: contextTokens }) }
})

const toHistory = ({ role, content }: ChatTask['messages'][number]): HistoryItem =>
  role === 'assistant'
    ? { type: 'model', response: [content] }
    : { type: role === 'system' ? 'system' : 'user', text: content }

/** The engine supports `oneOf`, but not `anyOf`. */
function toOneOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toOneOf)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key === 'anyOf' ? 'oneOf' : key, toOneOf(inner)]),
  )
}

async function grammarFor(llama: Llama, { schema }: NonNullable<ChatTask['json']>): Promise<Grammar> {
  if (!schema) return await llama.getGrammarFor('json')
  // The engine does not support the schema.
  return await llama
    .createGrammarForJsonSchema(toOneOf(schema) as JsonSchema)
    .catch(() => llama.getGrammarFor('json'))
}

async function chat(
  { messages, maxTokens, temperature = defaultTemperature, topP = defaultTopP, seed, stop, json }: ChatTask,
  signal: AbortSignal,
  send: (reply: LlamaReply) => void,
): Promise<LlamaReply | undefined> {
  const { llama, model, sequence, chat: session, contextSize } = await openChat()
  const history = messages.map(toHistory)
  const chatHistory: HistoryItem[] =
    history.at(-1)?.type === 'model' ? history : [...history, { type: 'model', response: [] }]
  const { contextText } = session.chatWrapper.generateContextState({ chatHistory })
  const promptTokens = contextText.tokenize(model.tokenizer).length
  // The engine shifts the context, which drops the beginning of the prompt, before the last two tokens.
  const free = contextSize - promptTokens - 2
  if (free < 1) return { type: 'too_long' }
  if (signal.aborted) return undefined
  const before = sequence.tokenMeter.usedOutputTokens
  const { metadata } = await session.generateResponse(history, {
    onResponseChunk: ({ segmentType, text }) => {
      if (text !== '') send({ type: segmentType === 'thought' ? 'thinking' : 'text', text })
    },
    signal,
    stopOnAbortSignal: true,
    maxTokens: Math.min(maxTokens ?? free, free),
    temperature,
    topP,
    seed,
    customStopTriggers: stop,
    grammar: json && (await grammarFor(llama, json)),
  })
  return {
    type: 'finish',
    reason: metadata.stopReason === 'maxTokens' ? 'length' : 'stop',
    promptTokens,
    completionTokens: sequence.tokenMeter.usedOutputTokens - before,
  }
}

/** Embeds texts, truncated to the context window, as vectors of length 1. */
async function embed(texts: string[], signal: AbortSignal): Promise<LlamaReply | undefined> {
  const { model, context } = await openEmbedding()
  const vectors: Float32Array[] = []
  for (const text of texts) {
    if (signal.aborted) return undefined
    // Two tokens are reserved for those that the engine adds at the beginning and the end.
    const tokens = model.tokenize(text)
    const fitting =
      tokens.length > contextTokens - 2 ? model.detokenize(tokens.slice(0, contextTokens - 2)) : text
    const { vector } = await context.getEmbeddingFor(fitting)
    const norm = Math.hypot(...vector) || 1
    // The vector of an empty text has no dimensions.
    const values = vector.length > 0 ? vector : new Float32Array(model.embeddingVectorSize)
    vectors.push(Float32Array.from(values, (value) => value / norm))
  }
  return { type: 'vectors', vectors }
}

const running = new Map<number, AbortController>()
let last: Promise<void> = Promise.resolve()

async function perform(id: number, task: LlamaTask, signal: AbortSignal): Promise<void> {
  const send = (reply: LlamaReply | undefined) => {
    if (reply && !signal.aborted) process.send?.({ id, reply } satisfies LlamaAnswer)
  }
  try {
    if (signal.aborted) return
    send(task.type === 'embed' ? await embed(task.texts, signal) : await chat(task, signal, send))
  } catch (error) {
    send({ type: 'error', message: error instanceof Error ? error.message : String(error) })
  } finally {
    running.delete(id)
  }
}

process.on('message', (message: LlamaRequest) => {
  if ('cancel' in message) {
    running.get(message.cancel)?.abort()
    return
  }
  const { id, task } = message
  const controller = new AbortController()
  running.set(id, controller)
  last = last.then(() => perform(id, task, controller.signal))
})
process.on('disconnect', () => process.exit())
