import type { Citation, Usage } from '../../contract/chat.ts'
import type { Fold } from './run-store.ts'

/** What a run of kind `chat` has told so far. */
export type Answer = {
  phase: 'waiting' | 'writing' | 'complete' | 'stopped' | 'failed'
  text: string
  /** Why no word has come yet, in the server's words. */
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
  /** True after the server has taken the run up again. */
  resumed: boolean
}

const empty: Answer = {
  phase: 'waiting',
  text: '',
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

/** Adds the events of an answer up. */
export const answerFold: Fold<Answer> = { initial: empty, add: addToAnswer }

function addToAnswer(answer: Answer, data: Record<string, unknown>): Answer {
  if (typeof data['token'] === 'string')
    return { ...answer, phase: 'writing', waitingFor: undefined, text: answer.text + data['token'] }
  if (isError(data['error']))
    return { ...answer, phase: 'failed', waitingFor: undefined, error: data['error'] }
  switch (data['event']) {
    case 'start':
      return {
        ...answer,
        conversationId: text(data['conversation_id']),
        messageId: text(data['message_id']),
        userMessageId: text(data['user_message_id']),
        model: text(data['model']),
        modelReason: text(data['model_reason']),
      }
    case 'waiting':
      return { ...answer, waitingFor: text(data['message']) }
    case 'resumed':
      return { ...answer, resumed: true }
    case 'complete':
    case 'stopped':
      return {
        ...answer,
        phase: data['event'],
        waitingFor: undefined,
        citations: (data['citations'] as Citation[] | undefined) ?? answer.citations,
        usage: (data['usage'] as Usage | undefined) ?? answer.usage,
        finishReason: text(data['finish_reason']),
      }
    default:
      return answer
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

export const isError = (value: unknown): value is { code: string; message: string } =>
  typeof value === 'object' && value !== null && typeof (value as { message?: unknown }).message === 'string'
