import type { Answerability } from '../../contract/knowledge.ts'
/** A passage that an answer may cite; `n` is its number in the prompt. */
export type GroundingPassage = {
  n: number
  title: string
  page: number | null
  /** The headings above the passage, outermost first, joined by ' › '. */
  heading: string | null
  text: string
  score: number
}

export type ChatMessage = {
  role: 'system' | 'user' | 'assistant' | 'tool'
  content: string
  images?: ChatImage[] | undefined
  /** Pictures of pages whose text is also in the prompt; omitted for models that may not receive them. */
  pages?: { image: ChatImage; caption: string }[] | undefined
  /** The tool calls of an assistant message. */
  toolCalls?: ToolCall[] | undefined
  /** The id of the call whose result a tool message contains. */
  toolCallId?: string | undefined
}

/** `data` is Base64. */
export type ChatImage = { mediaType: string; data: string }

export type JsonSchema = Record<string, unknown>

export type Tool = {
  name: string
  description?: string | undefined
  /** The schema of the arguments, an object. */
  parameters?: JsonSchema | undefined
}

export type ToolCall = {
  id: string
  name: string
  /** A JSON object as text, as the model wrote it. */
  arguments: string
  /** Opaque state of the provider, which must be sent back with the call. */
  signature?: string | undefined
}

export type ToolChoice = 'auto' | 'none' | 'required' | { name: string }

/** Requests output as JSON; without a schema, any object. */
export type ResponseFormat = {
  schema?: JsonSchema | undefined
  name?: string | undefined
  strict?: boolean | undefined
}

export type ChatRequest = {
  /** The complete prompt, system message first. A trailing assistant message is a partial answer to continue. */
  messages: ChatMessage[]
  /** Maximum length of the answer in tokens. */
  maxTokens?: number | undefined
  temperature?: number | undefined
  topP?: number | undefined
  seed?: number | undefined
  /** Stop sequences: they end the answer and are not part of it. */
  stop?: string[] | undefined
  tools?: Tool[] | undefined
  toolChoice?: ToolChoice | undefined
  /** Whether a model without tool calls selects tools by a schema; one without structured output gets no tools. */
  guidesTools?: boolean | undefined
  responseFormat?: ResponseFormat | undefined
  /** The name of the only remote provider that may receive the images; any if undefined. */
  imagesTo?: string | undefined
  /** Whether the prompt contains data that may not leave the private network. */
  localOnly?: boolean | undefined
  /** The parts of the prompt from which the built-in model composes its answer. */
  grounding: {
    question: string
    /** Earlier questions of the conversation, oldest first; a follow-up question is expanded from them. */
    context?: string[]
    passages: GroundingPassage[]
    answerable: Answerability | null
  }
}

/** Null for counts that the service does not report. `reasoningTokens` are part of `completionTokens`. */
export type TokenUsage = {
  promptTokens: number | null
  completionTokens: number | null
  reasoningTokens?: number
}

/** A part of a model's output. A complete stream ends with `finish`; the adapter throws for a truncated one. */
export type ModelPart =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  /** A complete call of a tool. */
  | ({ type: 'tool_call' } & ToolCall)
  /** There is no output yet; the message is for the waiting user. */
  | { type: 'waiting'; message: string }
  /** The position in the queue of the model server, from 1; the wait is null before its first answer has ended. */
  | { type: 'queued'; position: number; waitMs: number | null }
  | { type: 'finish'; reason: FinishReason; usage: TokenUsage; by?: AnsweredBy }

/**
 * The model that has answered. `cost` follows from the prices of the provider; `fallbackFrom` is the id of the selected
 * model if that was not available.
 */
export type AnsweredBy = {
  model: string
  provider: string
  remote: boolean
  cost?: number | undefined
  fallbackFrom?: string | undefined
}

export type FinishReason = 'stop' | 'length' | 'filter' | 'tool_calls' | 'other'

/**
 * How a model continues a partial answer: from a trailing assistant message, exactly at an offset, or by instruction.
 */
export type Continuation = 'trailing' | 'exact' | 'instruct'

export type Capability = 'chat' | 'embed' | 'vision' | 'tools' | 'thinking' | 'json'

/** Parameters that some protocols lack, by their names in OpenAI's API; `tool_choice` that forces a call. */
export type OptionalParameter = 'seed' | 'stop' | 'tool_choice'

export type ChatModel = {
  readonly name: string
  /** The name of the provider; `extractive` for the built-in model. */
  readonly provider: string
  /** Whether the prompt leaves the private network. */
  readonly remote: boolean
  readonly continuation: Continuation
  readonly capabilities: readonly Capability[]
  readonly unsupported: readonly OptionalParameter[]
  /** Returns the context window in tokens, which prompt and answer share. */
  contextTokens(signal: AbortSignal): Promise<number>
  /**
   * Streams one answer. Throws the errors of `models/errors.ts`. Retries only before the first part and only requests
   * that the service has certainly not started to process.
   */
  stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ModelPart>
}

export type Embedder = {
  /** Identifies the vector space, as provider/model@digest. Vectors of different spaces are not comparable. */
  readonly space: string
  readonly remote: boolean
  /** Returns one vector per text, in order. `purpose` selects the model's instruction prefix, if any. */
  embed(texts: string[], purpose: 'query' | 'passage' | 'none', signal: AbortSignal): Promise<Float32Array[]>
}

/** The selected model, with the reason for the user. */
export type SelectedModel = { model: ChatModel; reason: string }
