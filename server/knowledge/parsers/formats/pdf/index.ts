import type { ParsedPage } from '../../document.ts'
import {
  corrupt,
  empty,
  ocrFoundNothing,
  ocrNotInstalled,
  scanned,
  tooManyPages,
  unmappedFonts,
} from '../../errors.ts'
import type { Parser } from '../../parser.ts'
import { headingDetector } from './headings.ts'
import { layoutPage, type PageLine } from './layout.ts'
import { recognizePage } from './ocr-page.ts'
import { openPdf } from './pdfium.ts'
import { type OpenTable, type TextLine, tablesOf } from './tables.ts'

type Page = { lines: PageLine[]; letters: number; hasImage: boolean; isMeaningless: boolean }

/** The number of letters below which a page with an image counts as a scan. */
const minLetters = 30
/** Share of unmapped characters (private use, U+FFFD) above which the fonts have no usable mapping to text. */
const maxMeaninglessShare = 0.3
const maxHeadingCharacters = 200

/** Parses PDF: text in reading order, headings by size and weight, and text recognition of scanned pages, if enabled. */
export const parsePdf: Parser = async ({ path, limits, textBudget, onPage, recognizeText }) => {
  using pdf = await openPdf(path)
  if (pdf.pages <= 0) throw corrupt('it has no pages')
  if (pdf.pages > limits.pages) throw tooManyPages(pdf.pages, limits)
  const pages: (Page | undefined)[] = []
  let done = 0
  for (let i = 0; i < pdf.pages; i++) {
    const page = pdf.withPage(i, (page) => {
      const lines = layoutPage(page)
      const text = lines.map((line) => line.text).join('')
      const meaningless = text.match(/[\ufffd\ue000-\uf8ff]/g)?.length ?? 0
      textBudget.take(text.length)
      return {
        lines,
        letters: text.length,
        hasImage: text.length < minLetters && page.hasImage(),
        isMeaningless: meaningless > maxMeaninglessShare * text.length,
      }
    })
    pages.push(page)
    if (!recognizeText || !isImage(page)) onPage((done += 1), pdf.pages)
  }
  const imageIndexes = pages.flatMap((page, i) => (isImage(page) ? [i] : []))
  const recognized =
    recognizeText &&
    (await recognizePage(pdf, imageIndexes, recognizeText, () => onPage((done += 1), pdf.pages)))
  for (const { text } of recognized?.values() ?? []) textBudget.take(text.length)
  const hasText = (_: unknown, i: number) => (recognized?.get(i)?.text ?? '') !== ''
  if (!pages.some(hasText))
    throwWithoutText(pages, recognizeText && (recognized ? ocrFoundNothing : ocrNotInstalled))

  const lines = pages.map((page) => page?.lines ?? [])
  const headingLevel = headingDetector(lines)
  let table: OpenTable | undefined
  return {
    title: pdf.title() || null,
    paged: true,
    pages: lines.map((page, i) => {
      const found = recognized?.get(i)
      const isBetter = found && (found.text.length > (pages[i]?.letters ?? 0) || pages[i]?.isMeaningless)
      if (isBetter && found.text !== '') {
        table = undefined
        return { page: i + 1, ...found, headings: [] }
      }
      const { open, ...parsed } = pageOf(page, i + 1, headingLevel, table)
      table = open
      return parsed
    }),
  }
}

const isImage = (page: Page | undefined) => page !== undefined && (page.hasImage || page.isMeaningless)

/** Throws the error for a document without text; `insteadOf` applies to images after text recognition. */
function throwWithoutText(pages: (Page | undefined)[], insteadOf: (() => Error) | undefined) {
  const opened = pages.filter((page) => page !== undefined)
  if (opened.length === 0) throw corrupt('none of its pages can be opened')
  if (opened.every((page) => page.letters === 0 || page.hasImage))
    throw opened.some((page) => page.hasImage) ? (insteadOf ?? scanned)() : empty()
  const letters = (some: Page[]) => some.reduce((sum, page) => sum + page.letters, 0)
  if (letters(opened.filter((page) => page.isMeaningless)) > letters(opened) / 2)
    throw (insteadOf ?? unmappedFonts)()
}

function pageOf(
  lines: PageLine[],
  number: number,
  headingLevel: ReturnType<typeof headingDetector>,
  before: OpenTable | undefined,
): ParsedPage & { open: OpenTable | undefined } {
  const page: ParsedPage = { page: number, text: '', headings: [] }
  const placed: TextLine[] = []
  let level: number | undefined
  for (const [i, line] of lines.entries()) {
    const above = level
    level = headingLevel(line, lines[i - 1])
    const isNewBlock = line.opens || level !== above
    const gap = page.text === '' ? '' : isNewBlock ? '\n\n' : '\n'
    const heading = page.headings.at(-1)
    if (level !== undefined && heading && !isNewBlock)
      heading.text = `${heading.text} ${line.text}`.slice(0, maxHeadingCharacters)
    else if (level !== undefined)
      page.headings.push({ start: page.text.length + gap.length, level, text: line.text })
    page.text += gap + line.text
    const start = page.text.length - line.text.length
    placed.push({ text: line.text, start, isHeading: level !== undefined })
  }
  const { headings, open } = tablesOf(placed, before)
  page.headings.push(...headings)
  return { ...page, open }
}
