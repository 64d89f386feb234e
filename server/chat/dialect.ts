import type { Citation, Usage } from '../../contract/chat.ts'
import { type Layer } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { EventBody } from '../runs/index.ts'

export type Beginning = {
  runId: string
  conversationId: string
  userMessageId: string
  messageId: string
  layerUsed: Layer
  model: string
  provider: string
  modelReason: string
}

export type Ending = {
  conversationId: string
  messageId: string
  model: string
  usage: Usage
  totalTokens: number
  finishReason: string
  citations: Citation[]
  /** What the answer was given of what the avee remembers of the person. */
  memories: UsedMemory[]
}

/**
 * The events of an answer in one client's words. A run's log holds the events as its client reads them,
 * so every dialect must be able to read its own words back: that is how an answer goes on after a crash.
 */
export type Dialect = {
  start(beginning: Beginning): EventBody | undefined
  waiting(message: string): EventBody | undefined
  token(text: string): EventBody
  /** The text of a token event, undefined for any other event. */
  textOf(event: EventBody): string | undefined
  /** The last events of a whole answer; at least one. */
  complete(ending: Ending): [...EventBody[], EventBody]
  stopped(ids: { conversationId: string; messageId: string }): EventBody
  failed(
    error: { code: string; message: string },
    ids: { conversationId: string; messageId: string },
  ): EventBody
}

/** The words of /chat/stream. */
export const gabeeDialect: Dialect = {
  start: (beginning) => ({
    event: 'start',
    model: beginning.model,
    run_id: beginning.runId,
    message_id: beginning.messageId,
    user_message_id: beginning.userMessageId,
    conversation_id: beginning.conversationId,
    layer_used: beginning.layerUsed,
    provider: beginning.provider,
    model_reason: beginning.modelReason,
  }),
  waiting: (message) => ({ event: 'waiting', message }),
  token: (text) => ({ token: text }),
  textOf: (event) => (typeof event['token'] === 'string' ? event['token'] : undefined),
  complete: (ending) => [
    {
      event: 'complete',
      message_id: ending.messageId,
      total_tokens: ending.totalTokens,
      usage: ending.usage,
      finish_reason: ending.finishReason,
      citations: ending.citations,
      memories: ending.memories,
    },
  ],
  stopped: ({ messageId }) => ({ event: 'stopped', message_id: messageId }),
  failed: (error, { messageId }) => ({ error, event: 'error', message_id: messageId }),
}
