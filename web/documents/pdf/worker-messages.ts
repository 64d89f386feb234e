import type { Box } from './line-boxes.ts'

/** A request from the page to the PDF worker. Pages are numbered from 1, `width` is in device pixels. */
export type PdfRequest =
  | { type: 'open'; url: string }
  | { type: 'render'; page: number; width: number; passage: string | null; emphasized: string[] }
/** Requests and responses with the same id belong together. */
export type PdfRequestMessage = { id: number } & PdfRequest

export type OpenedPdf = { pages: number }

/**
 * A rendered page, at most as wide as requested, and the boxes of the passage on it. These are null if the passage was
 * not found, and `no text` if the page has no text layer, as in a scan.
 */
export type RenderedPage = { bitmap: ImageBitmap; passage: PassageBoxes | 'no text' | null }
/** The line boxes of a passage and of the sentences to emphasize in it. */
export type PassageBoxes = { all: Box[]; emphasized: Box[] }

export type PdfResponseMessage = { id: number } & ({ result: OpenedPdf | RenderedPage } | { error: string })
