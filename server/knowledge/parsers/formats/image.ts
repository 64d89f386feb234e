import { imageWithoutOcr, ocrFoundNothing, ocrNotInstalled, tooManyPages } from '../errors.ts'
import type { Parser } from '../parser.ts'

/** Parses PNG, JPEG, TIFF and other images by text recognition, one page per page of a TIFF. */
export const parseImage: Parser = async ({ path, type, limits, textBudget, recognizeText }) => {
  const kind = type.toUpperCase()
  if (!recognizeText) throw imageWithoutOcr(kind)
  const texts = await recognizeText({ path })
  if (!texts) throw ocrNotInstalled()
  if (texts.length > limits.pages) throw tooManyPages(texts.length, limits)
  textBudget.take(texts.reduce((sum, text) => sum + text.length, 0))
  if (texts.every((text) => text === '')) throw ocrFoundNothing()
  return {
    title: null,
    paged: texts.length > 1,
    pages: texts.map((text, i) => ({ page: i + 1, text, headings: [] })),
  }
}
