import type { Box } from './line-boxes.ts'

/** What the page asks of the worker that draws PDFs. */
export type PdfRequestBody =
  | { ask: 'open'; url: string }
  | { ask: 'page'; page: number; width: number; passage: string | null; telling: string[] }
/** Answers carry their question's number. */
export type PdfRequest = { n: number } & PdfRequestBody

/** Pages are counted from 1. */
export type OpenedPdf = { pages: number }

/**
 * A page as a picture, at most as wide as was asked for, and where on it the passage stands; null when it does not, and
 * a scan has no letters among which it could be found.
 */
export type RenderedPage = { picture: ImageBitmap; passage: PassageBoxes | 'no letters' | null }
/** Lines of a passage, and of what stands out in it. */
export type PassageBoxes = { all: Box[]; telling: Box[] }

export type PdfResponse = { n: number } & ({ answer: OpenedPdf | RenderedPage } | { problem: string })
