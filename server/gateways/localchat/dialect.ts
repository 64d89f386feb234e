import type { Dialect } from '../../chat/index.ts'

/** An answer in the words of LocalChat's /api/chat: content …, sources, done. */
export const localchatDialect: Dialect = {
  start: () => undefined,
  waiting: () => undefined,
  token: (text) => ({ content: text }),
  textOf: (event) => (typeof event['content'] === 'string' ? event['content'] : undefined),
  complete(ending) {
    const done = {
      done: true,
      conversation_id: ending.conversationId,
      message_id: ending.messageId,
      model_used: ending.model,
      total_tokens: ending.totalTokens,
      usage: ending.usage,
      finish_reason: ending.finishReason,
    }
    if (ending.citations.length === 0) return [done]
    const sources = ending.citations.map((citation) => ({
      filename: citation.filename ?? citation.title,
      page: citation.page,
      passage: citation.passage,
      document_id: citation.document_id,
      score: citation.score,
      n: citation.n,
      text: citation.text,
    }))
    return [{ sources }, done]
  },
  stopped: ({ conversationId, messageId }) => ({
    event: 'stopped',
    done: true,
    conversation_id: conversationId,
    message_id: messageId,
  }),
  failed: (error, { conversationId, messageId }) => ({
    error,
    message: error.message,
    done: true,
    conversation_id: conversationId,
    message_id: messageId,
  }),
}
