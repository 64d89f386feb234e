import { defineError, defineFieldError } from '../errors.ts'

export const memoryNotFound = defineError(
  404,
  'memory_not_found',
  () => "Memory not found, or you don't have access.",
)
export const restoreExpired = defineError(
  404,
  'memory_not_found',
  () => 'Memory not found, or the time to restore it is over.',
)
export const secretNotKept = defineFieldError(
  'secret_not_kept',
  'content',
  () =>
    'This looks like a password, key, card, account or identity number. Secrets are not stored as memories; remove it and try again.',
)
export const memoryOff = defineError(
  409,
  'memory_off',
  () => 'Memory is off for this avee. Turn it on in the memory settings first.',
)
export const keyForOneAvee = defineError(
  403,
  'key_for_one_avee',
  () => 'This API key is restricted to one avee. Name that avee, or sign in.',
)
