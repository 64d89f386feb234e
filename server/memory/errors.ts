import { defineError } from '../errors.ts'
import { restorableDays } from './learn/reader.ts'

export const memoryNotFound = defineError(404, 'memory_not_found', () => 'There is no such memory.')
export const tooLateToRestore = defineError(
  404,
  'memory_not_found',
  () =>
    `There is no such memory to bring back; a forgotten one can be brought back for ${restorableDays} days.`,
)
export const secretNotKept = defineError(
  422,
  'secret_not_kept',
  () =>
    'This looks like a password, key, card, account or identity number; such things are never remembered, so leave it out.',
)
export const memoryOff = defineError(
  409,
  'memory_off',
  () => 'Remembering is switched off for this avee; switch it on in the memory settings first.',
)
export const badCursor = defineError(
  400,
  'invalid_cursor',
  () => 'That cursor is not from this list; start without one.',
)
export const keyForOneAvee = defineError(
  403,
  'key_for_one_avee',
  () => 'This API key is for one avee; name that avee, or use a login.',
)
