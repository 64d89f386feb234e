import { maxQuestion } from '../../contract/chat.ts'
import { AppError, defineError } from '../errors.ts'

export const conversationNotFound = defineError(
  404,
  'conversation_not_found',
  () => 'There is no such conversation.',
)
export const messageNotFound = defineError(404, 'message_not_found', () => 'There is no such message.')
export const malformedConversationId = defineError(
  400,
  'invalid_conversation_id',
  () => 'Give the id of a conversation as conversation_id.',
)
export const emptyQuestion = defineError(400, 'empty_question', () => 'The question is empty.')
export const questionTooLong = defineError(
  400,
  'question_too_long',
  () => `A question has at most ${maxQuestion} characters.`,
)
export const answerRunning = defineError(
  409,
  'answer_running',
  (_runId: string) => 'This conversation is still answering; wait for the answer or stop it.',
  (runId) => ({ run_id: runId }),
)
export const notAQuestion = defineError(
  400,
  'not_a_question',
  () => 'Only a question of yours can be edited.',
)
export const notAnAnswer = defineError(400, 'not_an_answer', () => 'Only an answer can be given again.')
export const promptTooLong = defineError(
  400,
  'prompt_too_long',
  (model: string) =>
    `The question does not fit into what ${model} can read at once; shorten it or choose another model.`,
)
export const emptyAnswer = defineError(
  502,
  'empty_answer',
  (model: string) => `${model} ended without saying anything; ask again or choose another model.`,
)
export const answerUnfinished = defineError(
  503,
  'answer_unfinished',
  (_about: { run_id: string; message_id: string }) =>
    'The server is shutting down; the answer goes on at its next start and is stored with the message.',
  (about) => about,
)
export const answerStopped = defineError(
  409,
  'answer_stopped',
  () => 'The answer was stopped before its end.',
)

/** An answer that failed, for callers who wait for the whole of it. */
export const answerFailed = (
  error: { code: string; message: string },
  details: { run_id: string; message_id: string },
) => new AppError(503, error.code, error.message, { details })
