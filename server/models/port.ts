import type { Answerability } from '../../contract/knowledge.ts'
/** A passage that an answer may cite; `n` is its number in the prompt. */
export type GroundingPassage = { n: number; title: string; page: number | null; text: string; score: number }

export type ChatMessage = { role: 'system' | 'user' | 'assistant'; content: string }

export type ChatRequest = {
  /** The complete prompt, system message first. A trailing assistant message is a partial answer to continue. */
  messages: ChatMessage[]
  /** Maximum length of the answer in tokens. */
  maxTokens?: number
  temperature?: number
  /** The parts of the prompt, from which the built-in model composes its answer. */
  grounding: { question: string; passages: GroundingPassage[]; answerable: Answerability | null }
}

export type TokenUsage = { promptTokens: number | null; completionTokens: number | null }

/** A part of a model's output. A complete stream ends with `finish`; the adapter throws for a truncated one. */
export type ModelPart =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  /** No output yet; the message is for the waiting user. */
  | { type: 'waiting'; message: string }
  | { type: 'finish'; reason: 'stop' | 'length' | 'filter' | 'other'; usage: TokenUsage }

/** How a model continues a partial answer: from a trailing assistant message, exactly at an offset, or by an instruction. */
export type Continuation = 'trailing' | 'exact' | 'instruct'

export type ChatModel = {
  readonly name: string
  readonly provider: 'ollama' | 'openai' | 'extractive'
  /** Whether the prompt leaves the private network. */
  readonly remote: boolean
  readonly continuation: Continuation
  /** Returns the context window in tokens, which prompt and answer share. */
  contextTokens(signal: AbortSignal): Promise<number>
  /**
   * Streams one answer. Throws the errors of `models/errors.ts`. Retries only before the first part and only requests
   * that the service has certainly not started to process.
   */
  stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ModelPart>
}

export type Embedder = {
  /** Identifies the vector space, as provider/model. Vectors of different spaces are not comparable. */
  readonly space: string
  readonly remote: boolean
  /** Returns one vector per text, in order. `purpose` selects the model's instruction prefix. */
  embed(texts: string[], purpose: 'query' | 'passage', signal: AbortSignal): Promise<Float32Array[]>
}

/** The selected model, with the reason for the user. */
export type SelectedModel = { model: ChatModel; reason: string }
