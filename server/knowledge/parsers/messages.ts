import type { PageWord, ParsedHeading, ParseFailure, ParseLimits } from './document.ts'
import type { OcrSettings } from './ocr/tesseract.ts'

/** The request to a parser process. */
export type ParseJob = {
  path: string
  filename: string
  limits: ParseLimits
  ocr: OcrSettings | null
  /** Where LibreOffice is looked for, in the format of PATH. */
  searchPath: string | undefined
  isWebPage: boolean
}

export type SentPassage = { pageIndex: number; start: number; end: number; heading: string | null }

/**
 * The responses of a parser process: progress, then text and passages in messages small enough not to block the server's
 * thread, then one `document`; or `failed` at any time.
 */
export type ParseMessage =
  | { kind: 'progress'; done: number; total: number }
  /** Text recognition finished for an image; its time does not count against the file's. */
  | { kind: 'recognised' }
  /** The next piece of a page's text; a piece with a new index starts that page. */
  | { kind: 'text'; pageIndex: number; page: number; text: string }
  | { kind: 'headings'; pageIndex: number; headings: ParsedHeading[] }
  /** The words of a page whose text was recognized. */
  | { kind: 'words'; pageIndex: number; words: PageWord[] }
  | { kind: 'passages'; passages: SentPassage[] }
  | {
      kind: 'document'
      type: string
      title: string | null
      paged: boolean
      language: string | null
      retainedBytes: number
    }
  | { kind: 'failed'; code: ParseFailure; message: string }
  /** The parser crashed: the process must not be reused. `cause` is for the log. */
  | { kind: 'broken'; cause: string; isMemory: boolean }

/** The watchdog's last message on standard error before it kills its process. */
export const overMemoryMessage = 'gabee: over the memory limit'
