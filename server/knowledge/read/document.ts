import type { CutPassage } from '../cut/passage.ts'

/**
 * A heading: what the text after it, up to the next heading of the same or a lower level number, is about.
 * `start` is the offset of its line in the page's text. In a table that is longer than a few rows the row of column
 * names is such a heading too, so that every row below it can be understood by itself; `end` says where the table ends.
 */
export type ReadHeading = { start: number; level: number; text: string; end?: number }

/** A page, a slide, a sheet, or the whole of a document that has no pages. Offsets are UTF-16 units of `text`. */
export type ReadPage = { page: number; text: string; headings: ReadHeading[] }

export type ReadDocument = {
  /** What the content is, whatever the file was called: pdf, docx, md, csv … */
  type: string
  /** From the document's own metadata or its first heading; null when it names itself nowhere. */
  title: string | null
  /** False: the one page is only a container, and a citation should not name it. */
  paged: boolean
  pages: ReadPage[]
}

export type ReadFailure =
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
 * What became of a file. Reading and cutting both happen away from the server's thread, so a document arrives with
 * its passages and its language (ISO 639-3) worked out. A failure's message says what is wrong and what to do about it.
 */
export type ReadOutcome =
  | { ok: true; document: ReadDocument; passages: CutPassage[]; language: string | null }
  | { ok: false; code: ReadFailure; message: string }

export type ReadLimits = {
  /** Size of the file. */
  bytes: number
  /** Pages of a PDF, slides, sheets. */
  pages: number
  /** What an archive's entries may come to in all, and the most text that is taken from one file, both in bytes. */
  unpackedBytes: number
  /** Time for one file, from when its turn comes; for every picture on which text is recognised as much again. */
  milliseconds: number
  /** Resident memory of the process that reads. */
  memoryBytes: number
}
