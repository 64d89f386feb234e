import { imageWithoutOcr, ocrFoundNothing, ocrNotInstalled, tooManyPages } from '../errors.ts'
import type { Parser } from '../parser.ts'

/** Parses PNG, JPEG, TIFF and other images by text recognition, one page per page of a TIFF. */
export const parseImage: Parser = async ({ path, type, limits, textBudget, recognizeText }) => {
  const kind = type.toUpperCase()
  if (!recognizeText) throw imageWithoutOcr(kind)
  const pages = await recognizeText({ path })
  if (!pages) throw ocrNotInstalled()
  if (pages.length > limits.pages) throw tooManyPages(pages.length, limits)
  textBudget.take(pages.reduce((sum, { text }) => sum + text.length, 0))
  if (pages.every(({ text }) => text === '')) throw ocrFoundNothing()
  return {
    title: null,
    paged: pages.length > 1,
    pages: pages.map((page, i) => ({ page: i + 1, ...page, headings: [] })),
  }
}
