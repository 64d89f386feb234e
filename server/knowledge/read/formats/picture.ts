import type { Format } from '../format.ts'
import { noOcr, picture, tooManyPages, unrecognised } from '../unreadable.ts'

/** PNG, JPEG, TIFF and other pictures: what is written on them, a page for each page of a TIFF. */
export const readPicture: Format = async ({ path, type, limits, spent, recognise }) => {
  const kind = type.toUpperCase()
  if (!recognise) throw picture(kind)
  const texts = await recognise({ path })
  if (!texts) throw noOcr()
  if (texts.length > limits.pages) throw tooManyPages(texts.length, limits)
  spent.take(texts.reduce((sum, text) => sum + text.length, 0))
  if (texts.every((text) => text === '')) throw unrecognised()
  return {
    title: null,
    paged: texts.length > 1,
    pages: texts.map((text, i) => ({ page: i + 1, text, headings: [] })),
  }
}
