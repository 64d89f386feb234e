import { defineError, defineFieldError } from '../errors.ts'

export const documentNotFound = defineError(404, 'document_not_found', () => 'Document not found.')
export const documentReplaced = defineError(
  409,
  'document_replaced',
  () => 'There is a newer document from the same source. Delete it first, then restore this one.',
)
export const passageNotFound = defineError(
  404,
  'passage_not_found',
  (n: number) => `The document has no passage ${n}.`,
)
export const pageNotFound = defineError(
  404,
  'page_not_found',
  (page: number) => `The document has no page ${page}.`,
)
export const webPageUnreadable = defineError(422, 'web_page_unreadable', (problem: string) => problem)
export const originalMissing = defineError(
  404,
  'original_missing',
  () => 'The original file is no longer on the server, but its text is.',
)
export const keyForReading = defineError(
  403,
  'key_for_one_avee',
  () =>
    'This API key is restricted to one avee and cannot change documents. Use an unrestricted key or sign in.',
)
export const noFiles = defineError(
  400,
  'no_files',
  () => 'The upload contains no file. Send one or more in the form field "files".',
)
export const noSupportedFiles = defineError(
  400,
  'no_supported_files',
  () =>
    'None of these file types is supported. Supported are PDF, Office, OpenDocument, EPUB, HTML, Markdown, email, tables, source code and plain text.',
)
export const badLayer = defineFieldError(
  'invalid_layer',
  'layer',
  () => 'The field layer must be one of public, friends, intimate.',
)
export const attachmentLayer = defineFieldError(
  'attachment_layer',
  'layer',
  () => 'An attachment belongs to its conversation and has no layer. Omit the field layer.',
)
export const ingestUnfinished = defineError(
  503,
  'ingest_unfinished',
  (_runId: string) =>
    'The server is shutting down. It continues the import after its next start, without another request.',
  (runId) => ({ run_id: runId }),
)
export const ingestStopped = defineError(
  409,
  'ingest_stopped',
  () => 'The import was stopped before the document was complete.',
)

/** The library changed between reading it and the commit; the file is ingested again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
}
