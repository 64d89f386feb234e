import type { ReadPage } from '../../document.ts'
import type { Format } from '../../format.ts'
import { corrupt, drawn, empty, noOcr, scanned, tooManyPages, unrecognised } from '../../unreadable.ts'
import { headingJudge } from './headings.ts'
import { layOut, type PageLine } from './layout.ts'
import { openPdf } from './pdfium.ts'
import { recognised } from './recognised.ts'

type Page = { lines: PageLine[]; letters: number; hasImage: boolean; isMeaningless: boolean }

/** A page with fewer letters and a picture is a scan. */
const fewLetters = 30
/** Signs without a meaning (private use, "unknown") beyond this share: the fonts do not say what they write. */
const mostMeaningless = 0.3
const longestHeading = 200

/**
 * PDF: text in reading order, rows of tables on one line with tabs, headings by the size and weight of the letters. Text
 * on pages that are pictures is recognised, when that is switched on.
 */
export const readPdf: Format = async ({ path, limits, spent, onPage, recognise }) => {
  using pdf = await openPdf(path)
  if (pdf.pages <= 0) throw corrupt('it has no pages')
  if (pdf.pages > limits.pages) throw tooManyPages(pdf.pages, limits)
  const pages: (Page | undefined)[] = []
  let done = 0
  for (let i = 0; i < pdf.pages; i++) {
    const page = pdf.withPage(i, (page) => {
      const lines = layOut(page)
      const text = lines.map((line) => line.text).join('')
      const meaningless = text.match(/[\ufffd\ue000-\uf8ff]/g)?.length ?? 0
      spent.take(text.length)
      return {
        lines,
        letters: text.length,
        hasImage: text.length < fewLetters && page.hasImage(),
        isMeaningless: meaningless > mostMeaningless * text.length,
      }
    })
    pages.push(page)
    if (!recognise || !isPicture(page)) onPage((done += 1), pdf.pages)
  }
  const pictures = pages.flatMap((page, i) => (isPicture(page) ? [i] : []))
  const texts =
    recognise && (await recognised(pdf, pictures, recognise, () => onPage((done += 1), pdf.pages)))
  for (const text of texts?.values() ?? []) spent.take(text.length)
  const hasText = (_: unknown, i: number) => (texts?.get(i) ?? '') !== ''
  if (!pages.some(hasText)) refuseWithoutText(pages, recognise && (texts ? unrecognised : noOcr))

  const lines = pages.map((page) => page?.lines ?? [])
  const judge = headingJudge(lines)
  return {
    title: pdf.title() || null,
    paged: true,
    pages: lines.map((page, i) => {
      const text = texts?.get(i) ?? ''
      const isBetter = text.length > (pages[i]?.letters ?? 0) || pages[i]?.isMeaningless
      return text !== '' && isBetter ? { page: i + 1, text, headings: [] } : pageOf(page, i + 1, judge)
    }),
  }
}

const isPicture = (page: Page | undefined) => page !== undefined && (page.hasImage || page.isMeaningless)

/** `insteadOf` is what to say of pictures when recognition was tried. */
function refuseWithoutText(pages: (Page | undefined)[], insteadOf: (() => Error) | undefined) {
  const opened = pages.filter((page) => page !== undefined)
  if (opened.length === 0) throw corrupt('none of its pages can be opened')
  if (opened.every((page) => page.letters === 0 || page.hasImage))
    throw opened.some((page) => page.hasImage) ? (insteadOf ?? scanned)() : empty()
  const letters = (some: Page[]) => some.reduce((sum, page) => sum + page.letters, 0)
  if (letters(opened.filter((page) => page.isMeaningless)) > letters(opened) / 2) throw (insteadOf ?? drawn)()
}

function pageOf(lines: PageLine[], number: number, judge: ReturnType<typeof headingJudge>): ReadPage {
  const page: ReadPage = { page: number, text: '', headings: [] }
  let level: number | undefined
  for (const [i, line] of lines.entries()) {
    const above = level
    level = judge(line, lines[i - 1])
    const isNewBlock = line.opens || level !== above
    const gap = page.text === '' ? '' : isNewBlock ? '\n\n' : '\n'
    const heading = page.headings.at(-1)
    if (level !== undefined && heading && !isNewBlock)
      heading.text = `${heading.text} ${line.text}`.slice(0, longestHeading)
    else if (level !== undefined)
      page.headings.push({ start: page.text.length + gap.length, level, text: line.text })
    page.text += gap + line.text
  }
  return page
}
