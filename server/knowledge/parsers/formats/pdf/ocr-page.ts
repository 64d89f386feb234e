import type { RecognizeText } from '../../ocr/tesseract.ts'
import type { OpenPdf } from './pdfium.ts'

/** Resolution of rendered pages: lower loses small print, higher only takes longer. */
const dotsPerInch = 200
/** Concurrent OCR processes per document. */
const atOnce = 2

/**
 * Recognizes the text of pages that are images and returns it by page index; undefined when OCR is
 * unavailable. Calls `onPage` after each page.
 */
export async function recognizePage(
  pdf: OpenPdf,
  indexes: number[],
  recognizeText: RecognizeText,
  onPage: () => void,
): Promise<Map<number, string> | undefined> {
  const texts = new Map<number, string>()
  const left = indexes.values()
  let isThere = true
  async function work() {
    for (const index of left) {
      const bytes = pdf.withPage(index, (page) => page.portableGraymap(dotsPerInch))
      const found = bytes ? await recognizeText({ bytes }, dotsPerInch) : []
      if (!found) isThere = false
      if (!isThere) return
      texts.set(index, found?.join('\n\n') ?? '')
      onPage()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return isThere ? texts : undefined
}
