import type { Failure } from '../../contract/runs.ts'
import { defineError, fromFailure } from '../errors.ts'

export const modelNotFound = defineError(
  404,
  'model_not_found',
  () => "The model does not exist, or you don't have access. The list of models contains those you may use.",
)
/** `field` is the name in OpenAI's chat API. */
export const unsupported = defineError(
  400,
  'unsupported',
  (_field: string, reason: string) => reason,
  (field) => ({ field }),
)
export const previousNotFound = defineError(
  404,
  'previous_response_not_found',
  () => 'The previous response does not exist, was not stored, or you no longer have access. Send its text.',
  () => ({ field: 'previous_response_id' }),
)
export const conversationOfOther = defineError(
  404,
  'conversation_not_found',
  () => 'The conversation does not exist, or it is with another avee.',
  () => ({ field: 'metadata.conversation_id' }),
)

const requestErrors = new Set([
  'prompt_too_long',
  'context_length_exceeded',
  'model_unsupported',
  'invalid_tool_arguments',
])

/** Why an answer failed, for a client that waits for it. */
export const completionFailed = (failure: Failure) =>
  fromFailure(requestErrors.has(failure.code) ? 400 : 503, failure)
