import { ApiError } from '../../client/index.ts'
import { currentLanguage, type Message, message, t } from '../languages/index.ts'

const connectionToModelLost = message('The connection to the model was lost. Try again.')
const continuesLater = message('The server is shutting down. It continues after its next start.')
const enterSecretsAgain = message('The address changes, so enter the key and the headers again.')
const tooComplex = message(
  'The file is too large or too complex. Split it into smaller files, or save it in a simpler format.',
)
const tooLongForModel = message(
  'The question is too long for this model. Shorten it or choose another model.',
)
const serviceUnreachable = message(
  'The service is not responding. Check its address and whether it is running.',
)
const unsupportedType = message('This type of file is not supported.')

/**
 * Sentences for the most common errors, by error code. The server's own messages are in English and often more
 * specific.
 */
export const errorTexts: Record<string, Message> = {
  account_disabled: message('An administrator has disabled this account.'),
  admins_only: message('Only administrators can do this.'),
  answer_filtered: message(
    'The content filter of the model withheld the answer. Rephrase the question or choose another model.',
  ),
  answer_running: message('An answer is still running in this conversation. Wait for it or stop it.'),
  answer_unfinished: continuesLater,
  avee_not_found: message('Avee not found, or you have no access.'),
  busy: message('The server is busy. Try again in a few seconds.'),
  challenge_expired: message('This sign-in has expired. Sign in again.'),
  code_required: message('Enter a code of your second factor.'),
  common_password: message('This password is among the most common ones. Choose another.'),
  context_length_exceeded: tooLongForModel,
  conversation_not_found: message('Conversation not found.'),
  corrupt: message(
    'The file is damaged or incomplete. Open it in its own program, save it again and upload the new copy.',
  ),
  cut: connectionToModelLost,
  document_not_found: message('Document not found.'),
  document_replaced: message('There is a newer document from the same source. Delete it first.'),
  email_taken: message('An account with this e-mail address already exists.'),
  empty: message('The file is empty.'),
  empty_answer: message('The model returned an empty answer. Ask again or choose another model.'),
  empty_question: message('The question is empty.'),
  encrypted: message('The file is password-protected. Save a copy without a password and upload that.'),
  export_damaged: message('The file is damaged and cannot be imported.'),
  handle_reserved: message('This handle is taken.'),
  handle_taken: message('This handle is taken.'),
  headers_needed: enterSecretsAgain,
  import_running: message('Another import is running. Wait until it is done.'),
  ingest_unfinished: continuesLater,
  insufficient_storage: message(
    'The disk of the server is full. Free some space or ask the administrator, then try again.',
  ),
  internal: message('Internal error of the server. Try again.'),
  invitation_for_another_address: message('The invitation is for another e-mail address.'),
  invitation_invalid: message(
    'The invitation is unknown, used or expired. Ask an administrator for a new one.',
  ),
  invitation_required: message('You have no account yet. Ask an administrator for an invitation.'),
  key_needed: enterSecretsAgain,
  last_administrator: message('You are the only administrator. Make another user an administrator first.'),
  local_only: message('Only local models may be used here. Choose a local model.'),
  memory_off: message('Memory is off for this avee.'),
  no_first_token: message('The model did not start to answer in time. Try again or choose a smaller model.'),
  no_supported_files: unsupportedType,
  no_text: message(
    'The file has no readable text; it may be a scan. Run text recognition (OCR) on it first.',
  ),
  not_an_export: message(
    'The file contains no conversations. Choose the export of ChatGPT, Claude, Open WebUI or LibreChat.',
  ),
  not_continuable: message('This answer cannot be continued. Regenerate it instead.'),
  not_found: message('Not found, or you don’t have access.'),
  not_signed_in: message('Sign in first.'),
  not_the_owner: message('Only the owner of the avee can do this.'),
  nothing_to_share: message('The conversation has no messages yet.'),
  oidc_unavailable: message('The sign-in provider cannot be reached. Try again later.'),
  original_missing: message('The original file is no longer on the server, but its text is.'),
  out_of_memory: tooComplex,
  passkey_refused: message('This passkey could not be added. Start again.'),
  prompt_too_long: tooLongForModel,
  provider_exists: message('A provider with this name already exists.'),
  question_too_long: message('The question is too long. Shorten it, or attach the text as a file.'),
  quota_exceeded: message(
    'You have reached your quota. Delete something, or ask the administrator for more.',
  ),
  registration_closed: message('Registration is closed. Ask an administrator for an account.'),
  reset_link_invalid: message('This link is unknown, used or expired. Ask for a new one.'),
  secret_not_kept: message(
    'This looks like a password or another secret. Secrets are not stored as memories.',
  ),
  setup_token_required: message('The setup token is missing or wrong. The server prints it when it starts.'),
  share_not_found: message('This link does not exist, has expired or was revoked.'),
  shutting_down: message('The server is shutting down. Try again in a moment.'),
  sign_in_again: message('Sign out and sign in again first.'),
  stalled: connectionToModelLost,
  timed_out: tooComplex,
  too_large: message('The file or text is too large.'),
  too_many_attempts: message('Too many attempts. Try again later.'),
  too_many_pages: message('The document has too many pages. Split it into smaller documents.'),
  too_many_requests: message('Too many requests. Try again in a moment.'),
  tool_name_taken: message('The avee already has a tool with this name.'),
  tool_unreachable: serviceUnreachable,
  truncated: connectionToModelLost,
  unpacks_too_large: tooComplex,
  unreachable: serviceUnreachable,
  unsupported_type: unsupportedType,
  user_not_found: message('User not found.'),
  wrong_code: message('This code is wrong or has been used.'),
  wrong_credentials: message('Wrong e-mail address or password.'),
  wrong_password: message('The current password is missing or wrong.'),
}

const serverUnreachable = message('The server is unreachable. Check that it is running and try again.')

/** Returns the message of an error of a request or stream, translated if possible. */
export function errorText({ code, message: sentence }: { code: string; message: string }): string {
  const text = currentLanguage() === 'en' || !Object.hasOwn(errorTexts, code) ? undefined : errorTexts[code]
  return text ? t(text) : sentence
}

/** Returns the error code of the only invalid field, if it has one. */
const codeOfField = ({ details }: ApiError): string | undefined =>
  Array.isArray(details) && details.length === 1 ? (details[0] as { code?: string }).code : undefined

/** Rethrows the error of a failed request, with a translated message if possible. */
export function throwTranslated(error: unknown): never {
  if (error instanceof ApiError)
    error.message =
      error.status === 0 && error.code === 'unreachable'
        ? t(serverUnreachable)
        : errorText({ code: codeOfField(error) ?? error.code, message: error.message })
  throw error
}
