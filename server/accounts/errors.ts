import { AppError, defineError, defineFieldError } from '../errors.ts'

export const wrongCredentials = defineError(
  401,
  'wrong_credentials',
  () => 'Wrong e-mail address or password.',
)
export const wrongPassword = defineError(
  403,
  'wrong_password',
  () => 'The current password is missing or wrong.',
)
export const wrongCode = defineError(
  403,
  'wrong_code',
  () =>
    'This code is wrong or has been used. Enter the current code of your app, or an unused recovery code.',
)
export const codeRequired = defineError(
  403,
  'code_required',
  () => 'The account has no password. Enter a code of your second factor instead.',
)
export const signInAgain = defineError(
  403,
  'sign_in_again',
  () =>
    'Sign out and in again first: without a password, this requires a sign-in within the last ten minutes.',
)
export const challengeExpired = defineError(
  401,
  'challenge_expired',
  () => 'This sign-in has expired. Sign in again.',
)
export const totpAlreadyOn = defineError(
  409,
  'totp_already_on',
  () => 'An authenticator app is already set up. Remove it first.',
)
export const totpNotBegun = defineError(
  409,
  'totp_not_begun',
  () => 'No authenticator app is being set up. Start again (POST /me/factors/totp).',
)
export const noSecondFactor = defineError(
  409,
  'no_second_factor',
  () => 'Set up a second factor first. Recovery codes are for users who lose it.',
)
export const passkeyRefused = defineError(
  403,
  'passkey_refused',
  () => 'This passkey could not be added. Try again on the page of this server.',
)
export const factorNotFound = defineError(404, 'factor_not_found', () => 'Second factor not found.')
export const accountDisabled = defineError(
  403,
  'account_disabled',
  () => 'An administrator has disabled this account.',
)
export const commonPassword = defineError(
  422,
  'invalid_fields',
  (_path: string) => 'This password is among the most common ones. Choose another.',
  (path) => [
    {
      path,
      problem: 'This password is among the most common ones. Choose another.',
      code: 'common_password',
    },
  ],
)
export const invitationRequired = defineError(
  403,
  'invitation_required',
  () => 'Registration requires an invitation. Ask an administrator for one.',
)
export const invitationInvalid = defineError(
  403,
  'invitation_invalid',
  () => 'This invitation is unknown, used or expired. Ask an administrator for a new one.',
)
export const invitationForAnother = defineError(
  403,
  'invitation_for_another_address',
  () => 'This invitation is for another e-mail address.',
)
export const resetLinkInvalid = defineError(
  403,
  'reset_link_invalid',
  () => 'This link is unknown, used or expired. Ask for a new one.',
)
export const mailNotConfigured = defineError(
  409,
  'mail_not_configured',
  () => 'This server does not send mail. Ask an administrator for a link.',
)
export const mailNotSent = defineError(
  502,
  'mail_not_sent',
  (reason: string) => `The mail server did not accept the mail (${reason}). Check SMTP_URL and MAIL_FROM.`,
)
export const oidcNotConfigured = defineError(
  409,
  'oidc_not_configured',
  () => 'This server has no OIDC provider. Sign in with a password.',
)
export const oidcExpired = defineError(
  403,
  'oidc_expired',
  () => 'This sign-in has expired, or it began in another browser. Sign in again.',
)
export const oidcUnavailable = (cause: unknown): AppError =>
  new AppError(503, 'oidc_unavailable', 'The sign-in provider cannot be reached. Try again later.', { cause })
export const providerRefused = (cause: unknown): AppError =>
  new AppError(403, 'oidc_refused', 'The sign-in provider did not confirm who you are. Try again.', { cause })
export const firstAccountNeedsPassword = defineError(
  403,
  'first_account_needs_password',
  () => 'Create the first account with a password. It can be linked to the sign-in provider afterwards.',
)
export const accountNeedsPassword = defineError(
  409,
  'account_needs_password',
  () => 'Set a password first (POST /auth/password); otherwise no one could sign in to the account.',
)
export const identityTaken = defineError(
  409,
  'identity_taken',
  () => 'This identity of the sign-in provider is linked to another account.',
)
export const identityNotFound = defineError(
  404,
  'identity_not_found',
  () => 'The account is not linked to the sign-in provider.',
)
export const setupTokenRequired = defineError(
  403,
  'setup_token_required',
  () => 'The setup token is missing or wrong. The server prints it when it starts.',
)
export const registrationClosed = defineError(
  403,
  'registration_closed',
  () => 'Registration is closed. Ask the administrator for an account.',
)
export const invitationsDisabled = defineError(
  409,
  'invitations_disabled',
  () =>
    'Registration is closed on this server, so an invitation could not be used. Set REGISTRATION=invite to invite people.',
)
export const firstAccountIsLocal = defineError(
  403,
  'first_account_here',
  () => 'Create the first account on the machine that the server runs on.',
)
export const emailTaken = defineError(
  409,
  'email_taken',
  () => 'An account with this e-mail address already exists.',
)
export const handleTaken = defineError(
  409,
  'handle_taken',
  (handle: string) => `The handle ${handle} is taken. Choose another.`,
)
export const handleReserved = defineError(
  409,
  'handle_reserved',
  (handle: string) => `The handle ${handle} is reserved. Choose another.`,
)
export const emailRequired = defineError(
  409,
  'email_needed',
  () => 'Set your e-mail address first (PATCH /me); you need it to sign in.',
)
export const lastAdministrator = defineError(
  409,
  'last_administrator',
  () =>
    'You are the only administrator. Make another user an administrator first (PUT /users/{handle}/admin).',
)
export const userNotFound = defineError(404, 'user_not_found', () => 'User not found.')
export const aveeNotFound = defineError(404, 'avee_not_found', () => 'Avee not found.')
export const invitationNotFound = defineError(404, 'invitation_not_found', () => 'Invitation not found.')
export const sessionNotFound = defineError(404, 'session_not_found', () => 'Session not found.')
export const apiKeyNotFound = defineError(404, 'api_key_not_found', () => 'API key not found.')
export const apiKeyLimitReached = (perMinute: number, retryAfter: number): AppError =>
  new AppError(
    429,
    'too_many_requests',
    `The limit of this API key is ${perMinute === 1 ? 'one request' : `${perMinute.toLocaleString('en')} requests`} per minute. Try again in ${retryAfter === 1 ? 'a second' : `${retryAfter} seconds`}.`,
    { retryAfter },
  )
export const expiryInPast = defineFieldError(
  'invalid_fields',
  'expires_at',
  () => 'expires_at must be in the future.',
)

export const tooManyAttempts = (retryAfter: number): AppError =>
  new AppError(
    429,
    'too_many_attempts',
    `Too many attempts. Try again in ${retryAfter === 1 ? 'a second' : `${retryAfter} seconds`}.`,
    { retryAfter },
  )
export const signInBusy = (): AppError =>
  new AppError(503, 'busy', 'The server is busy. Try again in a few seconds.', {
    retryAfter: 5,
  })
