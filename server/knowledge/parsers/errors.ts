import type { ParseFailure, ParseLimits } from './document.ts'

/** A file that cannot be parsed. The message tells the user what is wrong and what to do. */
export class UnreadableFileError extends Error {
  override readonly name = 'Unreadable'
  readonly code: ParseFailure

  constructor(code: ParseFailure, message: string) {
    super(message)
    this.code = code
  }
}

const megabytes = (bytes: number) => `${Math.max(1, Math.round(bytes / 1_000_000))} MB`

export const encrypted = () =>
  new UnreadableFileError(
    'encrypted',
    'The file is protected by a password. Save a copy without a password and upload that.',
  )

export const empty = () =>
  new UnreadableFileError('empty', 'The file is empty: there is nothing in it to read.')

export const parserCrashed = () =>
  new UnreadableFileError(
    'corrupt',
    'The file brought down the program that reads such files, so it is most likely damaged. Open it in the program it comes from, save it again and upload the new copy.',
  )

/** `why` completes the sentence "The file is damaged or incomplete: …". */
export const corrupt = (why: string) =>
  new UnreadableFileError(
    'corrupt',
    `The file is damaged or incomplete: ${why}. Open it in the program it comes from, save it again and upload the new copy.`,
  )

const ocrAdvice = 'run text recognition (OCR) over it and upload the result'
const ocrInstructions = `${ocrAdvice}, or let this server do it: install Tesseract on it and set OCR_LANGUAGES.`

export const scanned = () =>
  new UnreadableFileError(
    'no_text',
    `The document is scanned: its pages are pictures without any text in them. To have it read, ${ocrInstructions}`,
  )

/** Text recognition is enabled but Tesseract is not installed. */
export const ocrNotInstalled = () =>
  new UnreadableFileError(
    'no_text',
    `The file is a picture of text, and Tesseract, which would recognise it, is not installed on this server. Install it, or ${ocrAdvice}.`,
  )

export const ocrLanguageMissing = (languages: string) =>
  new UnreadableFileError(
    'no_text',
    `The file is a picture of text, and Tesseract lacks the data of a language in OCR_LANGUAGES (${languages}). Install it on this server (on Debian tesseract-ocr-deu for deu, and so on) and upload the file again.`,
  )

export const ocrFoundNothing = () =>
  new UnreadableFileError(
    'no_text',
    'No text could be recognised on the pictures in the file. Scan it again, upright and with 300 dots per inch, in a language named in OCR_LANGUAGES.',
  )

export const unmappedFonts = () =>
  new UnreadableFileError(
    'no_text',
    `The letters of the document are shapes that cannot be turned into text, as in a scanned one. To have it read, ${ocrInstructions}`,
  )

export const imageWithoutOcr = (kind: string) =>
  new UnreadableFileError(
    'no_text',
    `The file is a picture (${kind}). If it is a scanned page, ${ocrInstructions}`,
  )

export const unsupported = (what: string, advice: string) =>
  new UnreadableFileError('unsupported_type', `The file is ${what}, which cannot be read. ${advice}`)

export const tooLarge = (bytes: number, limits: ParseLimits) =>
  new UnreadableFileError(
    'too_large',
    `The file has ${megabytes(bytes)}; the most that is read is ${megabytes(limits.bytes)}. Split it into smaller files.`,
  )

export const tooManyPages = (pages: number, limits: ParseLimits) =>
  new UnreadableFileError(
    'too_many_pages',
    `The document has ${pages} pages; the most that is read is ${limits.pages}. Split it into smaller documents.`,
  )

export const unpackedTooLarge = (limits: ParseLimits) =>
  new UnreadableFileError(
    'unpacks_too_large',
    `The file unpacks to more than ${megabytes(limits.unpackedBytes)}, more than is read from one file. Split it, or save it without embedded media.`,
  )

export const timedOut = (limits: ParseLimits) =>
  new UnreadableFileError(
    'timed_out',
    `Reading the file took longer than ${Math.round(limits.milliseconds / 1000)} s and was stopped. Split it into smaller files, or save it in a simpler format.`,
  )

export const outOfMemory = (limits: ParseLimits) =>
  new UnreadableFileError(
    'out_of_memory',
    `Reading the file needed more than ${megabytes(limits.memoryBytes)} of memory and was stopped. Split it into smaller files, or save it in a simpler format.`,
  )
