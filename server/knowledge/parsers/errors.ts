import type { ParseFailure, ParseLimits } from './document.ts'

/** A file that cannot be parsed. The message states the problem and what to do. */
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
    'The file is password-protected. Save a copy without a password and upload that.',
  )

export const empty = () => new UnreadableFileError('empty', 'The file is empty.')

export const parserCrashed = () =>
  new UnreadableFileError(
    'corrupt',
    'The file could not be parsed and is probably damaged. Open it in its own program, save it again and upload the new copy.',
  )

/** `why` completes the sentence: "The file is damaged or incomplete: …" */
export const corrupt = (why: string) =>
  new UnreadableFileError(
    'corrupt',
    `The file is damaged or incomplete: ${why}. Open it in its own program, save it again and upload the new copy.`,
  )

export const notAPicture = () =>
  new UnreadableFileError(
    'corrupt',
    'The file is not a readable PNG, JPEG, WebP or GIF picture. Save it in one of these formats and attach that.',
  )

export const pictureTooLarge = (width: number, height: number, maxPixels: number) =>
  new UnreadableFileError(
    'too_large',
    `The picture has ${width} × ${height} pixels; the limit is ${maxPixels / 1_000_000} million. Reduce its size and attach that.`,
  )

const ocrAdvice = 'run text recognition (OCR) on it and upload the result'
const ocrInstructions = `${ocrAdvice}, or enable it on this server: install Tesseract and set OCR_LANGUAGES.`

export const scanned = () =>
  new UnreadableFileError(
    'no_text',
    `The document is a scan: its pages are images without text. To import it, ${ocrInstructions}`,
  )

/** An Office document or a book; text recognition, which is enabled, reads images and the pages of PDFs. */
export const onlyPictures = () =>
  new UnreadableFileError(
    'no_text',
    'The document contains only images without text. Save it as PDF and upload that, so that the text in them can be recognized.',
  )

/** Text recognition is enabled but Tesseract is not installed. */
export const ocrNotInstalled = () =>
  new UnreadableFileError(
    'no_text',
    `The file is an image of text, and Tesseract (text recognition) is not installed on this server. Install it, or ${ocrAdvice}.`,
  )

export const ocrLanguageMissing = (languages: string) =>
  new UnreadableFileError(
    'no_text',
    `The file is an image of text, and Tesseract lacks data for a language in OCR_LANGUAGES (${languages}). Install it on this server (on Debian, tesseract-ocr-deu for deu) and upload the file again.`,
  )

export const ocrFoundNothing = () =>
  new UnreadableFileError(
    'no_text',
    'No text could be recognized in the images of the file. Scan it again, upright and at 300 dpi, in a language listed in OCR_LANGUAGES.',
  )

export const unmappedFonts = () =>
  new UnreadableFileError(
    'no_text',
    `The fonts of the document do not map to text, as in a scan. To import it, ${ocrInstructions}`,
  )

export const imageWithoutOcr = (kind: string) =>
  new UnreadableFileError(
    'no_text',
    `The file is an image (${kind}). If it is a scanned page, ${ocrInstructions}`,
  )

/** LibreOffice, which converts files of Office before 2007, is not installed. */
export const libreOfficeNotInstalled = (type: string) =>
  new UnreadableFileError(
    'unsupported_type',
    `The file is in an Office format from before 2007 (.${type}), which LibreOffice converts, and LibreOffice is not installed on this server. Install it, or save the file as .${type}x or PDF and upload that.`,
  )

/** LibreOffice did not convert a file of Office before 2007. */
export const notConverted = (type: string) =>
  new UnreadableFileError(
    'corrupt',
    `LibreOffice cannot convert the file. It is probably damaged or password-protected. Open it in its own program, save it as .${type}x or PDF and upload that.`,
  )

export const unsupported = (what: string, advice: string) =>
  new UnreadableFileError('unsupported_type', `The file is ${what}, which is not supported. ${advice}`)

export const tooLarge = (bytes: number, limits: ParseLimits) =>
  new UnreadableFileError(
    'too_large',
    `The file is ${megabytes(bytes)} in size; the maximum is ${megabytes(limits.bytes)}. Split it into smaller files.`,
  )

export const tooManyPages = (pages: number, limits: ParseLimits, unit = 'pages') =>
  new UnreadableFileError(
    'too_many_pages',
    `The document has ${pages} ${unit}; the maximum is ${limits.pages}. Split it into smaller documents.`,
  )

export const unpackedTooLarge = (limits: ParseLimits) =>
  new UnreadableFileError(
    'unpacks_too_large',
    `The file unpacks to more than the maximum of ${megabytes(limits.unpackedBytes)}. Split it, or save it without embedded media.`,
  )

export const timedOut = (limits: ParseLimits) =>
  new UnreadableFileError(
    'timed_out',
    `Parsing the file took longer than ${Math.round(limits.milliseconds / 1000)} s and was stopped. Split it into smaller files, or save it in a simpler format.`,
  )

export const outOfMemory = (limits: ParseLimits) =>
  new UnreadableFileError(
    'out_of_memory',
    `Parsing the file needed more than ${megabytes(limits.memoryBytes)} of memory and was stopped. Split it into smaller files, or save it in a simpler format.`,
  )
