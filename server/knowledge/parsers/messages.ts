import type { LegacyOffice } from './content-type.ts'
import type {
  PagePicture,
  PageToDraw,
  PageWord,
  ParsedHeading,
  ParseFailure,
  ParseLimits,
} from './document.ts'
import type { RecognizedPage } from './ocr/tesseract.ts'

/** A file to parse; `hasOcr` is whether its images may be sent for text recognition. */
export type ParseRequest = {
  kind: 'parse'
  path: string
  filename: string
  limits: ParseLimits
  hasOcr: boolean
  isWebPage: boolean
}

/** The messages to a parser process: a file, a page to draw, and the result of a program that it requested. */
export type ParserRequest =
  | ParseRequest
  | ({ kind: 'draw' } & PageToDraw)
  | { kind: 'recognized'; id: number; pages: RecognizedPage[] | undefined }
  | { kind: 'converted'; path: string }

export type SentPassage = { pageIndex: number; start: number; end: number; heading: string | null }

/**
 * The responses of a parser process, in batches small enough not to block the server's thread: progress, then text and
 * passages, then one `document`; for a page, `drawn`; or `failed` at any time.
 */
export type ParseMessage =
  | { kind: 'progress'; done: number; total: number }
  /** Requests the text of an image, by default of the file itself; the time does not count against the file's limit. */
  | { kind: 'recognize'; id: number; bytes: Uint8Array | undefined; dotsPerInch: number | undefined }
  /** Requests the conversion of the file from a format of Office before 2007 to its successor. */
  | { kind: 'convert'; type: LegacyOffice }
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
  | { kind: 'drawn'; picture: PagePicture | undefined }
  | { kind: 'failed'; code: ParseFailure; message: string }
  /** The parser crashed: the process must not be reused. `cause` is for the log. */
  | { kind: 'broken'; cause: string; isMemory: boolean }

/** The watchdog's last message on standard error before it kills its process. */
export const overMemoryMessage = 'gabee: over the memory limit'

/** Programs that run at a time for a parser process: pages whose text is recognized, or one conversion. */
export const maxPrograms = 2
