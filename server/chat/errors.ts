import type { Failure } from '../../contract/runs.ts'
import { defineError, fromFailure } from '../errors.ts'

export const conversationNotFound = defineError(
  404,
  'conversation_not_found',
  () => 'Conversation not found.',
)
export const exportDamaged = defineError(
  422,
  'export_damaged',
  (reason: string) => `The file cannot be imported: ${reason}`,
)
export const notAnExport = defineError(
  422,
  'not_an_export',
  () =>
    'The file contains no conversations. Send the export of ChatGPT, Claude, Open WebUI or LibreChat, as a ZIP archive or as its JSON file.',
)
export const importRunning = defineError(
  409,
  'import_running',
  (_runId: string) => 'Another import into this avee is running. Wait until it is done.',
  (runId: string) => ({ run_id: runId }),
)
export const noExportFile = defineError(
  400,
  'no_file',
  () => 'The request contains no file. Send an export in the form field "file".',
)
export const shareNotFound = defineError(
  404,
  'share_not_found',
  () => 'This link does not exist, has expired or was revoked.',
)
export const nothingToShare = defineError(
  400,
  'nothing_to_share',
  () => 'The conversation has no messages yet. Ask a question first.',
)
export const messageNotFound = defineError(404, 'message_not_found', () => 'Message not found.')
export const attachmentNotFound = defineError(
  400,
  'attachment_not_found',
  () => 'The conversation has no such attachment. Attach the file again.',
)
export const imagesNeedPermission = defineError(
  409,
  'images_need_permission',
  (provider: string, model: string) =>
    `${model} of ${provider}, which is outside the private network, would receive the pictures. Set images_to to "${provider}" to allow it, or to "" to ask without them.`,
  (provider, model) => ({ provider, model }),
)
export const malformedConversationId = defineError(
  400,
  'invalid_conversation_id',
  () => 'conversation_id must be the id of a conversation.',
)
export const emptyQuestion = defineError(400, 'empty_question', () => 'The question is empty.')
export const questionTooLong = defineError(
  400,
  'question_too_long',
  (characters: number, limit: number) =>
    `The question has ${characters} characters; the limit is ${limit}. Shorten it, or add the text as a document.`,
)
export const answerRunning = defineError(
  409,
  'answer_running',
  (_runId: string) => 'An answer is still running in this conversation. Wait for it or stop it.',
  (runId) => ({ run_id: runId }),
)
export const modelNotYours = defineError(
  403,
  'model_not_yours',
  () => 'The owner of this avee chooses its model. Ask without naming one.',
)
export const notAQuestion = defineError(400, 'not_a_question', () => 'Only questions can be edited.')
export const notAnAnswer = defineError(400, 'not_an_answer', () => 'Only answers can be regenerated.')
export const notContinuable = defineError(
  409,
  'not_continuable',
  () => 'This answer cannot be continued. Regenerate it instead.',
)
const tooLongForModel = 'prompt_too_long'
export const promptTooLong = defineError(
  400,
  tooLongForModel,
  (model: string) =>
    `The question exceeds the context window of ${model}. Shorten it or choose another model.`,
)
export const emptyAnswer = defineError(
  502,
  'empty_answer',
  (model: string) => `${model} returned an empty answer. Ask again or choose another model.`,
)
export const answerFiltered = defineError(
  502,
  'answer_filtered',
  (model: string) =>
    `The content filter of ${model} withheld the answer. Rephrase the question or choose another model.`,
)
export const callRefused = defineError(403, 'call_refused', () => 'The person did not allow this call.')
export const callInterrupted = defineError(
  503,
  'call_interrupted',
  () => 'The server restarted during this call. Check whether it took effect before you try again.',
)
export const noSuchCall = defineError(
  404,
  'no_such_call',
  () => 'This answer has no tool call with this id that needs approval.',
)
export const notWaiting = defineError(
  409,
  'not_waiting',
  () => 'The call is no longer waiting for approval: it was already decided, or the time limit has passed.',
)
export const answerUnfinished = defineError(
  503,
  'answer_unfinished',
  (_about: { run_id: string; message_id?: string }) =>
    'The server is shutting down. It completes the answer after its next start and stores it with the message.',
  (about) => about,
)
export const answerStopped = defineError(
  409,
  'answer_stopped',
  () => 'The answer was stopped before it was complete.',
)

/** Why an answer failed, for callers who wait for it. */
export const answerFailed = (failure: Failure, details: { run_id: string; message_id: string }) =>
  fromFailure(failure.code === tooLongForModel ? 400 : 503, failure, details)
