import { AppError, defineError } from '../errors.ts'

export const wrongCredentials = defineError(401, 'wrong_credentials', () => 'E-mail or password is wrong.')
export const wrongPassword = defineError(
  403,
  'wrong_password',
  () => 'The present password is missing or wrong.',
)
export const registrationClosed = defineError(
  403,
  'registration_closed',
  () => 'This server takes no new accounts; ask its administrator.',
)
export const firstAccountIsLocal = defineError(
  403,
  'first_account_here',
  () => 'The first account is made on the machine that the server runs on, on the server’s own page.',
)
export const emailTaken = defineError(
  409,
  'email_taken',
  () => 'There is an account with this e-mail address already.',
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
export const emailRequired = defineError(
  409,
  'email_needed',
  () => 'Set your e-mail address first (PATCH /me): with it and the password you will sign in.',
)
export const lastAdministrator = defineError(
  409,
  'last_administrator',
  () =>
    'Others have accounts here and you are the only administrator: make one of them an administrator first (PUT /users/{handle}/admin).',
)
export const userNotFound = defineError(
  404,
  'user_not_found',
  () => 'There is nobody by that id, handle or e-mail address.',
)
export const aveeNotFound = defineError(404, 'avee_not_found', () => 'There is no avee by that id.')
export const apiKeyNotFound = defineError(
  404,
  'api_key_not_found',
  () => 'There is no API key of yours by that id.',
)
export const expiryInPast = defineError(422, 'invalid_fields', () => 'expires_at: lies in the past')

export const tooManyAttempts = (retryAfter: number): AppError =>
  new AppError(429, 'too_many_attempts', 'There were too many attempts; wait a while and try again.', {
    retryAfter,
  })
export const signInBusy = (): AppError =>
  new AppError(503, 'busy', 'Too many people sign in at this moment; try again in a few seconds.', {
    retryAfter: 5,
  })
