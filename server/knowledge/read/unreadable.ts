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

export const scanned = () =>
  new Unreadable(
    'no_text',
    'The document is scanned: its pages are pictures without any text in them. Run text recognition (OCR) over it and upload the result.',
  )

export const drawn = () =>
  new Unreadable(
    'no_text',
    'The letters of the document are shapes that cannot be turned into text, as in a scanned one. Run text recognition (OCR) over it and upload the result.',
  )

export const picture = (kind: string) =>
  new Unreadable(
    'no_text',
    `The file is a picture (${kind}); if it is a scanned page, run text recognition (OCR) over it and upload the result.`,
  )

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
