import type { ReadFailure, ReadHeading, ReadLimits } from './document.ts'
import type { OcrSettings } from './ocr/tesseract.ts'

/** What the server asks of a reading process. */
export type ReadJob = {
  path: string
  filename: string
  limits: ReadLimits
  ocr: OcrSettings | null
  isWebPage: boolean
}

export type SentPassage = { pageIndex: number; start: number; end: number; heading: string | null }

/**
 * What a reading process answers, in this order: progress, then text and passages in small parts, so that no message
 * keeps the server's thread for long, then one `document`; or `failed` at any time.
 */
export type ReadMessage =
  | { kind: 'progress'; done: number; total: number }
  /** Text was recognised on a picture: that takes its time, which does not count as the file's. */
  | { kind: 'recognised' }
  /** The next piece of a page's text; a piece of a new page begins that page. */
  | { kind: 'text'; pageIndex: number; page: number; text: string }
  | { kind: 'headings'; pageIndex: number; headings: ReadHeading[] }
  | { kind: 'passages'; passages: SentPassage[] }
  | {
      kind: 'document'
      type: string
      title: string | null
      paged: boolean
      language: string | null
      heldBytes: number
    }
  | { kind: 'failed'; code: ReadFailure; message: string }
  /** The parser broke: the process must not be used again. `cause` is for the log. */
  | { kind: 'broken'; cause: string; isMemory: boolean }

/** What the watchdog writes to standard error before it ends its process. */
export const overMemory = 'gabee: over the memory limit'
