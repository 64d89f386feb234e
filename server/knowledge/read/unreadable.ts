import type { ReadFailure, ReadLimits } from './document.ts'

/** A file that cannot be read, in words for the person who uploaded it: what is wrong, and what to do. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
  readonly code: ReadFailure

  constructor(code: ReadFailure, message: string) {
    super(message)
    this.code = code
  }
}

const megabytes = (bytes: number) => `${Math.max(1, Math.round(bytes / 1_000_000))} MB`

export const encrypted = () =>
  new Unreadable(
    'encrypted',
    'The file is protected by a password. Save a copy without a password and upload that.',
  )

export const empty = () => new Unreadable('empty', 'The file is empty: there is nothing in it to read.')

export const broken = () =>
  new Unreadable(
    'corrupt',
    'The file brought down the program that reads such files, so it is most likely damaged. Open it in the program it comes from, save it again and upload the new copy.',
  )

/** `why` completes the sentence "The file is damaged: …". */
export const corrupt = (why: string) =>
  new Unreadable(
    'corrupt',
    `The file is damaged or incomplete: ${why}. Open it in the program it comes from, save it again and upload the new copy.`,
  )

const ocrElsewhere = 'run text recognition (OCR) over it and upload the result'
const ocrHere = `${ocrElsewhere}, or let this server do it: install Tesseract on it and set OCR_LANGUAGES.`

export const scanned = () =>
  new Unreadable(
    'no_text',
    `The document is scanned: its pages are pictures without any text in them. To have it read, ${ocrHere}`,
  )

/** Text recognition is wanted and is not there. */
export const noOcr = () =>
  new Unreadable(
    'no_text',
    `The file is a picture of text, and Tesseract, which would recognise it, is not installed on this server. Install it, or ${ocrElsewhere}.`,
  )

export const ocrLanguageMissing = (languages: string) =>
  new Unreadable(
    'no_text',
    `The file is a picture of text, and Tesseract lacks the data of a language in OCR_LANGUAGES (${languages}). Install it on this server (on Debian tesseract-ocr-deu for deu, and so on) and upload the file again.`,
  )

export const unrecognised = () =>
  new Unreadable(
    'no_text',
    'No text could be recognised on the pictures in the file. Scan it again, upright and with 300 dots per inch, in a language named in OCR_LANGUAGES.',
  )

export const drawn = () =>
  new Unreadable(
    'no_text',
    `The letters of the document are shapes that cannot be turned into text, as in a scanned one. To have it read, ${ocrHere}`,
  )

export const picture = (kind: string) =>
  new Unreadable('no_text', `The file is a picture (${kind}). If it is a scanned page, ${ocrHere}`)

export const unsupported = (what: string, advice: string) =>
  new Unreadable('unsupported_type', `The file is ${what}, which cannot be read. ${advice}`)

export const tooLarge = (bytes: number, limits: ReadLimits) =>
  new Unreadable(
    'too_large',
    `The file has ${megabytes(bytes)}; the most that is read is ${megabytes(limits.bytes)}. Split it into smaller files.`,
  )

export const tooManyPages = (pages: number, limits: ReadLimits) =>
  new Unreadable(
    'too_many_pages',
    `The document has ${pages} pages; the most that is read is ${limits.pages}. Split it into smaller documents.`,
  )

export const unpacksTooLarge = (limits: ReadLimits) =>
  new Unreadable(
    'unpacks_too_large',
    `The file unpacks to more than ${megabytes(limits.unpackedBytes)}, more than is read from one file. Split it, or save it without embedded media.`,
  )

export const timedOut = (limits: ReadLimits) =>
  new Unreadable(
    'timed_out',
    `Reading the file took longer than ${Math.round(limits.milliseconds / 1000)} s and was stopped. Split it into smaller files, or save it in a simpler format.`,
  )

export const outOfMemory = (limits: ReadLimits) =>
  new Unreadable(
    'out_of_memory',
    `Reading the file needed more than ${megabytes(limits.memoryBytes)} of memory and was stopped. Split it into smaller files, or save it in a simpler format.`,
  )
