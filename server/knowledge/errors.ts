import { defineError } from '../errors.ts'

export const documentNotFound = defineError(404, 'document_not_found', () => 'There is no such document.')
export const passageNotFound = defineError(
  404,
  'passage_not_found',
  (n: number) => `The document has no passage ${n}.`,
)
export const originalMissing = defineError(
  404,
  'original_missing',
  () => 'The original file of this document is no longer on the server; its text is.',
)
export const keyForReading = defineError(
  403,
  'key_for_one_avee',
  () =>
    'This API key is for talking to an avee; its documents are changed with a login or a key without that bond.',
)
export const noFiles = defineError(
  400,
  'no_files',
  () => 'The upload holds no file; send one or more in the form field "files".',
)
export const noSupportedFiles = defineError(
  400,
  'no_supported_files',
  () =>
    'None of these files is of a type that can be read. PDF, Office, OpenDocument, EPUB, HTML, Markdown, mail, tables, source code and plain text can.',
)
export const badCursor = defineError(400, 'invalid_cursor', () => 'That cursor is not from this list.')
export const badLayer = defineError(422, 'invalid_layer', () => 'layer: must be public, friends or intimate.')
export const ingestStopped = defineError(
  409,
  'ingest_stopped',
  () => 'The document was stopped before it was finished.',
)
