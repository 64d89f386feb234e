import type { ReadDocument, ReadLimits } from './document.ts'
import type { Recognise } from './ocr/tesseract.ts'
import type { Budget } from './page-text.ts'
import type { Zip } from './zip.ts'

/** A file in the hands of the parser that reads it. */
export type Source = {
  path: string
  type: string
  limits: ReadLimits
  /** What may still be taken from the file, shared by everything that unpacks or writes text. */
  spent: Budget
  bytes: () => Promise<Buffer>
  onPage: (done: number, total: number) => void
  /** It was fetched from the web, with a site's menus around it. */
  isWebPage: boolean
  /** Text recognition, when it is switched on. */
  recognise?: Recognise | undefined
}

export type ReadContent = Omit<ReadDocument, 'type'>
export type Format = (source: Source) => Promise<ReadContent>
export type ZipFormat = (zip: Zip, source: Source) => Promise<ReadContent>
