import type { ParsedDocument, ParseLimits } from './document.ts'
import type { RecognizeText } from './ocr/tesseract.ts'
import type { TextBudget } from './page-builder.ts'
import type { Zip } from './zip.ts'

/** The input of a parser. */
export type ParserInput = {
  path: string
  type: string
  limits: ParseLimits
  /** Remaining text budget, shared by everything that unpacks or writes text. */
  textBudget: TextBudget
  bytes: () => Promise<Buffer>
  onPage: (done: number, total: number) => void
  /** True for a page fetched from the web, which includes the site's menus. */
  isWebPage: boolean
  /** Text recognition (OCR), if enabled. */
  recognizeText?: RecognizeText | undefined
}

export type ParsedContent = Omit<ParsedDocument, 'type'>
export type Parser = (source: ParserInput) => Promise<ParsedContent>
export type ZipParser = (zip: Zip, source: ParserInput) => Promise<ParsedContent>
