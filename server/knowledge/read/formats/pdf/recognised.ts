import type { Recognise } from '../../ocr/tesseract.ts'
import type { OpenPdf } from './pdfium.ts'

/** How finely pages are drawn: small print is lost below, and above it only takes longer. */
const dotsPerInch = 200
/** Processes of one document at once. */
const atOnce = 2

/**
 * The text of pages that are pictures, by their index. Undefined when there is nothing to recognise it with.
 * `onPage` is called after each.
 */
export async function recognised(
  pdf: OpenPdf,
  indexes: number[],
  recognise: Recognise,
  onPage: () => void,
): Promise<Map<number, string> | undefined> {
  const texts = new Map<number, string>()
  const left = indexes.values()
  let isThere = true
  async function work() {
    for (const index of left) {
      const bytes = pdf.withPage(index, (page) => page.portableGraymap(dotsPerInch))
      const found = bytes ? await recognise({ bytes }, dotsPerInch) : []
      if (!found) isThere = false
      if (!isThere) return
      texts.set(index, found?.join('\n\n') ?? '')
      onPage()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return isThere ? texts : undefined
}
