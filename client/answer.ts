import { answerEvents } from '../contract/chat.ts'
import type { Citation, Usage } from '../contract/messages.ts'
import { latestCalls, type ToolCall } from '../contract/tools.ts'
import { createFold, type Fold } from './events.ts'

/** The state of an answer, from its events so far. */
export type Answer = {
  phase: 'waiting' | 'writing' | 'complete' | 'stopped' | 'failed'
  text: string
  /** The reasoning of the model; not part of the answer. */
  reasoning: string
  /** Tool calls in order. */
  toolCalls: ToolCall[]
  /** The server's reason for a delay of the first token. */
  waitingFor: string | undefined
  conversationId: string | undefined
  messageId: string | undefined
  userMessageId: string | undefined
  model: string | undefined
  modelReason: string | undefined
  citations: Citation[]
  usage: Usage | undefined
  finishReason: string | undefined
  error: { code: string; message: string } | undefined
  /** True after the server has continued the run in a new attempt. */
  resumed: boolean
}

const initial: Answer = {
  phase: 'waiting',
  text: '',
  reasoning: '',
  toolCalls: [],
  waitingFor: undefined,
  conversationId: undefined,
  messageId: undefined,
  userMessageId: undefined,
  model: undefined,
  modelReason: undefined,
  citations: [],
  usage: undefined,
  finishReason: undefined,
  error: undefined,
  resumed: false,
}

export const answerFold: Fold<Answer> = createFold(answerEvents, initial, (answer, { kind, data }) => {
  switch (kind) {
    case 'start':
      return {
        ...answer,
        conversationId: data.conversation_id,
        messageId: data.message_id,
        userMessageId: data.user_message_id,
        model: data.model,
        modelReason: data.model_reason,
      }
    case 'waiting':
      return { ...answer, waitingFor: data.message }
    case 'queued': {
      const wait = data.wait_ms === null ? '' : `, about ${Math.max(1, Math.round(data.wait_ms / 1_000))} s`
      return { ...answer, waitingFor: `In the queue of the model: place ${data.position}${wait}.` }
    }
    case 'reasoning':
      return { ...answer, waitingFor: undefined, reasoning: answer.reasoning + data.reasoning }
    case 'token':
      return { ...answer, phase: 'writing', waitingFor: undefined, text: answer.text + data.token }
    case 'tool': {
      const { event: _event, ...call } = data
      return { ...answer, waitingFor: undefined, toolCalls: latestCalls([...answer.toolCalls, call]) }
    }
    case 'resumed':
      return { ...answer, resumed: true }
    case 'complete':
      return {
        ...answer,
        phase: 'complete',
        waitingFor: undefined,
        citations: data.citations,
        usage: data.usage,
        finishReason: data.finish_reason,
      }
    case 'stopped':
      return { ...answer, phase: 'stopped', waitingFor: undefined }
    case 'error':
      return { ...answer, phase: 'failed', waitingFor: undefined, error: data.error }
    case 'intelligence':
      return answer
  }
})
