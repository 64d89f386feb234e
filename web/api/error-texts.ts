import { ApiError } from '../../client/index.ts'
import { currentLanguage, type Message, message, t } from '../languages/index.ts'

/** What users meet most, by the code of the error. The server's sentences are English, and often more specific. */
const texts: Record<string, Message> = {
  admins_only: message('Only administrators can do this.'),
  avee_not_found: message('Avee not found, or you have no access.'),
  busy: message('The server is busy. Try again in a few seconds.'),
  challenge_expired: message('This sign-in has expired. Sign in again.'),
  conversation_not_found: message('Conversation not found.'),
  document_not_found: message('Document not found.'),
  document_replaced: message('There is a newer document from the same source. Delete it first.'),
  email_taken: message('An account has this e-mail address already.'),
  empty_question: message('The question is empty.'),
  handle_taken: message('This handle is taken.'),
  not_continuable: message('This answer cannot be continued. Regenerate it instead.'),
  not_found: message('Not found, or you don’t have access.'),
  not_signed_in: message('Sign in first.'),
  not_the_owner: message('Only the owner of the avee can do this.'),
  original_missing: message('The original file is no longer on the server. Its text still is.'),
  share_not_found: message('This link does not exist, has expired or was revoked.'),
  shutting_down: message('The server is shutting down. Try again in a moment.'),
  too_large: message('The file or text is too large.'),
  too_many_attempts: message('Too many attempts. Try again later.'),
  too_many_requests: message('Too many requests. Try again in a moment.'),
  unreachable: message('The server is unreachable. Check that it is running and try again.'),
  wrong_code: message('This code is wrong or has been used.'),
  wrong_credentials: message('Wrong e-mail address or password.'),
  wrong_password: message('The current password is missing or wrong.'),
}

/** Throws a failed request again, with a sentence in the language of the page if there is one. */
export function throwTranslated(error: unknown): never {
  const text = error instanceof ApiError && currentLanguage() !== 'en' ? texts[error.code] : undefined
  if (error instanceof ApiError && text) error.message = t(text)
  throw error
}
