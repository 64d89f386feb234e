import type { DocumentPassage } from '../chunking/passage.ts'

/**
 * A heading. It applies to the text up to the next heading of the same or a lower level number. `start` is
 * the offset of its line in the page's text. The row of column names in a table longer than a few rows is
 * also a heading, so every row below it is understandable on its own; `end` is where the table ends.
 */
export type ParsedHeading = { start: number; level: number; text: string; end?: number }

/**
 * A page, a slide, a sheet, or the whole of a document without pages. Offsets are UTF-16 code units of
 * `text`.
 */
export type ParsedPage = { page: number; text: string; headings: ParsedHeading[] }

export type ParsedDocument = {
  /** The type of the content, whatever the file name says: pdf, docx, md, csv … */
  type: string
  /** From the document's metadata or its first heading; null when it has neither. */
  title: string | null
  /** False when the single page is only a container and citations must not name it. */
  paged: boolean
  pages: ParsedPage[]
}

export type ParseFailure =
  | 'encrypted'
  | 'empty'
  | 'corrupt'
  | 'no_text'
  | 'unsupported_type'
  | 'too_large'
  | 'too_many_pages'
  | 'unpacks_too_large'
  | 'timed_out'
  | 'out_of_memory'

/**
 * The result of parsing a file. Parsing and chunking run outside the server's thread, so a document arrives
 * with its passages and its language (ISO 639-3). The message of a failure says what is wrong and what to do.
 */
export type ParseOutcome =
  | { ok: true; document: ParsedDocument; passages: DocumentPassage[]; language: string | null }
  | { ok: false; code: ParseFailure; message: string }

export type ParseLimits = {
  /** Size of the file. */
  bytes: number
  /** Pages of a PDF, slides, sheets. */
  pages: number
  /** Total size of an archive's entries, and the maximum text taken from one file, in bytes. */
  unpackedBytes: number
  /** Time for one file, from the start of parsing; each image with text recognition gets as much again. */
  milliseconds: number
  /** Resident memory of the parser process. */
  memoryBytes: number
}
