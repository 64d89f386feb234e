import type { DocumentPassage } from '../chunking/passage.ts'

/**
 * A heading, which applies up to the next heading of the same or a lower level; `start` is the offset of its line. The
 * column names of a table are a heading too, because they explain its rows; `end` is where the table ends, and
 * `start` is -1 if it began on the page before.
 */
export type ParsedHeading = { start: number; level: number; text: string; end?: number }

/** A recognized word of an image, with its box in shares of the width and height of the page from its upper left corner. */
export type PageWord = { text: string; left: number; top: number; width: number; height: number }

/**
 * A page, a slide, a sheet, or the whole of a document without pages. Offsets are UTF-16 code units of `text`; `words` are
 * those of a page whose text was recognized.
 */
export type ParsedPage = { page: number; text: string; headings: ParsedHeading[]; words?: PageWord[] }

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

/** The result of parsing a file: the document with its passages and language (ISO 639-3), or a message for the user. */
export type ParseOutcome =
  | { ok: true; document: ParsedDocument; passages: DocumentPassage[]; language: string | null }
  | { ok: false; code: ParseFailure; message: string }

/** A page of a PDF to draw; with `onlyGraphical`, only if it has pictures or drawings. */
export type PageToDraw = { path: string; page: number; maxEdge: number; onlyGraphical: boolean }

export type PagePicture = { jpeg: Uint8Array; width: number; height: number }

export type ParseLimits = {
  /** Size of the file. */
  bytes: number
  /** Pages of a PDF, slides, sheets. */
  pages: number
  /** Total size of an archive's entries, and the maximum text taken from one file, in bytes. */
  unpackedBytes: number
  /**
   * The time limit for one file, from the start of parsing; each image with text recognition has the same limit in
   * addition.
   */
  milliseconds: number
  /** Resident memory of the parser process. */
  memoryBytes: number
}
