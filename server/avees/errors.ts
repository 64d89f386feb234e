import { defineError } from '../errors.ts'

/** The same whether the avee does not exist or is not the caller's to know of. */
export const aveeNotFound = defineError(404, 'avee_not_found', () => 'There is no such avee.')
export const notTheOwner = defineError(403, 'not_the_owner', () => 'Only the owner of this avee may do this.')
export const restrictedApiKey = defineError(
  403,
  'api_key_not_enough',
  () => 'This API key is for talking to one avee and cannot manage avees; use a key without that bound.',
)
export const handleTaken = defineError(
  409,
  'handle_taken',
  (handle: string) => `The handle ${handle} is taken; choose another.`,
)
export const handleReserved = defineError(
  409,
  'handle_reserved',
  (handle: string) => `The handle ${handle} is reserved; choose another.`,
)
export const libraryFixed = defineError(
  409,
  'library_is_yours_alone',
  () =>
    'Your library keeps its handle, stays private and cannot be deleted; DELETE /api/documents/clear empties it, and an avee of its own can be shared.',
)
export const ownerHasFullAccess = defineError(
  409,
  'owner_sees_all',
  () => 'The owner of an avee sees every layer already.',
)
export const userNotFound = defineError(404, 'user_not_found', () => 'There is nobody by that id or handle.')
export const invalidCursor = defineError(
  400,
  'invalid_cursor',
  () => 'That cursor is not one of this list; start without one.',
)
