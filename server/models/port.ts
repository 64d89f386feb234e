import type { Answerability } from '../../contract/knowledge.ts'
/** One passage that an answer may rest on, as the prompt numbers it. */
export type GroundingPassage = { n: number; title: string; page: number | null; text: string; score: number }

export type ChatMessage = { role: 'system' | 'user' | 'assistant'; content: string }

export type ChatRequest = {
  /** The whole prompt, system message first. A trailing assistant message is an answer to be continued. */
  messages: ChatMessage[]
  /** Room for the answer, in tokens. */
  maxTokens?: number
  temperature?: number
  stop?: string[]
  /** The parts the prompt was made of: what a model without language (extractive) answers from. */
  grounding: { question: string; passages: GroundingPassage[]; answerable: Answerability | null }
}

export type TokenUsage = { promptTokens: number | null; completionTokens: number | null }

/** What a model says, part by part. A stream without a `finish` part was cut: the adapter must throw instead. */
export type ModelPart =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  /** Nothing yet, and why: shown to the person who waits. */
  | { type: 'waiting'; message: string }
  | { type: 'finish'; reason: 'stop' | 'length' | 'filter' | 'other'; usage: TokenUsage }

/** How a model goes on with a partial answer: by itself from a trailing assistant message, exactly from an offset, or only when told to. */
export type Continuation = 'trailing' | 'exact' | 'instruct'

export type ChatModel = {
  readonly name: string
  readonly provider: 'ollama' | 'openai' | 'extractive'
  /** True when the prompt leaves this machine's trust: not a loopback or private address. */
  readonly remote: boolean
  readonly continuation: Continuation
  /** Tokens that prompt and answer share. */
  contextTokens(signal: AbortSignal): Promise<number>
  /**
   * Streams one answer. Throws AppError with a code of `models/errors.ts` on every fault: refused, 4xx/5xx, cut,
   * stalled, malformed, error object. Retries by itself only before the first part and only what was surely not begun.
   */
  stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ModelPart>
}

export type Embedder = {
  /** Identifies the vector space: provider/model. Vectors of different spaces never meet. */
  readonly space: string
  readonly remote: boolean
  /** One vector per text, in order; batched and cached inside. `purpose` adds what the model wants before a query or a passage. */
  embed(texts: string[], purpose: 'query' | 'passage', signal: AbortSignal): Promise<Float32Array[]>
}

/** The model that answers, and why it was chosen, in words for the person who asks. */
export type SelectedModel = { model: ChatModel; reason: string }
