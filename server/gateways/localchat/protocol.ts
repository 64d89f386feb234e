import type { AvailableCitation, Citation } from '../../../contract/messages.ts'
import type { Protocol, RenderedAnswer } from '../../chat/index.ts'

/** LocalChat's /api/chat: `content` events, `sources` when there are any, then `done`. */
export const localchatProtocol: Protocol = (answer) => ({
  resumed: (event) => [event],
  token: ({ token }) => [{ content: token }],
  complete: ({ citations, total_tokens, usage, finish_reason }) => [
    ...(citations.length === 0 ? [] : [{ sources: citations.map(sourceOf) }]),
    {
      done: true,
      ...idsOf(answer),
      model_used: answer.model,
      total_tokens,
      usage,
      finish_reason,
    },
  ],
  stopped: () => [{ event: 'stopped', done: true, ...idsOf(answer) }],
  error: ({ error }) => [{ error, message: error.message, done: true, ...idsOf(answer) }],
})

const idsOf = ({ conversationId, messageId }: RenderedAnswer) => ({
  conversation_id: conversationId,
  message_id: messageId,
})

const sourceOf = (citation: Citation) =>
  citation.status === 'available' ? presentSource(citation) : citation

const presentSource = (citation: AvailableCitation) => ({
  filename: citation.filename ?? citation.title,
  page: citation.page,
  passage: citation.passage,
  document_id: citation.document_id,
  score: citation.score,
  n: citation.n,
  text: citation.text,
  cited: citation.cited,
})
