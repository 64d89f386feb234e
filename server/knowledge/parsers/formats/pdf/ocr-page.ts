import { maxPrograms } from '../../messages.ts'
import type { RecognizedPage, RecognizeText } from '../../ocr/tesseract.ts'
import type { OpenPdf } from './pdfium.ts'

/** The resolution of rendered pages. A lower one loses small print; a higher one only takes longer. */
const dotsPerInch = 200

/** Returns the text and words of scanned pages by page index, or undefined without Tesseract. Calls `onPage` after each page. */
export async function recognizePage(
  pdf: OpenPdf,
  indexes: number[],
  recognizeText: RecognizeText,
  onPage: () => void,
): Promise<Map<number, RecognizedPage> | undefined> {
  const pages = new Map<number, RecognizedPage>()
  const remaining = indexes.values()
  let isAvailable = true
  async function work() {
    for (const index of remaining) {
      const bytes = pdf.withPage(index, (page) => page.portableGraymap(dotsPerInch))
      const found = bytes ? await recognizeText({ bytes }, dotsPerInch) : []
      if (!found) isAvailable = false
      if (!isAvailable) return
      pages.set(index, found?.[0] ?? { text: '', words: [] })
      onPage()
    }
  }
  await Promise.all(Array.from({ length: maxPrograms }, work))
  return isAvailable ? pages : undefined
}
