import { defineError, defineFieldError } from '../errors.ts'

export const notAnAnswer = defineError(400, 'not_an_answer', () => 'Only answers can be rated.')
export const turnNotAnalyzed = defineError(
  404,
  'not_measured',
  () =>
    'There is no analysis of this message: it is not a complete answer, or you no longer have access to it.',
)
export const forwardingNotAllowed = defineError(
  403,
  'pass_on_not_allowed',
  () => 'The owner of this avee does not accept questions. They can allow them in its insight settings.',
)
export const ownQuestion = defineError(
  409,
  'own_question',
  () => 'You own this avee, so the question cannot be forwarded to somebody else.',
)
export const questionNotFound = defineError(404, 'question_not_found', () => 'Question not found.')
export const updateNotFound = defineError(404, 'update_not_found', () => 'Update not found.')
export const keyBoundToAvee = defineError(
  403,
  'api_key_not_enough',
  () => 'This API key is restricted to chatting with one avee. Use an unrestricted key to manage it.',
)
export const questionTextRequired = defineFieldError(
  'question_needed',
  'question',
  () => 'No user has agreed to share this question. Set question to your own wording.',
)
