import { defineError } from '../errors.ts'

export const notAnAnswer = defineError(
  400,
  'not_an_answer',
  () => 'A thumb is given to an answer, not to a question.',
)
export const turnNotAnalyzed = defineError(
  404,
  'not_measured',
  () =>
    'Nothing was worked out about this message: it is no whole answer of the avee, or was made at another layer.',
)
export const forwardingNotAllowed = defineError(
  403,
  'pass_on_not_allowed',
  () => 'The owner of this avee takes no questions; they can switch that on in its insight settings.',
)
export const ownQuestion = defineError(
  409,
  'own_question',
  () => 'This avee is yours: there is nobody to pass it on to.',
)
export const questionNotFound = defineError(404, 'question_not_found', () => 'There is no such question.')
export const updateNotFound = defineError(404, 'update_not_found', () => 'There is no such update.')
export const keyBoundToAvee = defineError(
  403,
  'api_key_not_enough',
  () => 'This API key is for talking to one avee; use a key without that bound to manage it.',
)
export const questionTextRequired = defineError(
  422,
  'question_needed',
  () => 'Nobody has agreed to this question being shown; give it in your own words as question.',
)
