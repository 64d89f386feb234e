import { defineError } from '../errors.ts'

/** The same for a missing avee and one that the caller may not see. */
export const aveeNotFound = defineError(404, 'avee_not_found', () => 'Avee not found, or you have no access.')
export const avatarNotFound = defineError(404, 'avatar_not_found', () => 'The avee has no image.')
export const notTheOwner = defineError(403, 'not_the_owner', () => 'Only the owner of the avee can do this.')
export const restrictedApiKey = defineError(
  403,
  'api_key_not_enough',
  () => 'This API key is restricted to one avee and cannot manage avees. Use an unrestricted key.',
)
export const libraryFixed = defineError(
  409,
  'library_is_yours_alone',
  () =>
    'The library is private: its handle cannot be changed, and it cannot be shared or deleted. Delete its documents with DELETE /api/documents/clear, or create an avee to share.',
)
export const ownerHasFullAccess = defineError(
  409,
  'owner_sees_all',
  () => 'The owner of an avee has access to all layers.',
)
