import type { ReadPage } from '../../document.ts'
import type { Format } from '../../format.ts'
import { corrupt, drawn, empty, scanned, tooManyPages } from '../../unreadable.ts'
import { headingJudge } from './headings.ts'
import { layOut, type PageLine } from './layout.ts'
import { openPdf } from './pdfium.ts'

type Page = { lines: PageLine[]; letters: number; hasImage: boolean }

/** A page with fewer letters and a picture is a scan. */
const fewLetters = 30
/** Signs without a meaning (private use, "unknown") beyond this share: the fonts do not say what they write. */
const mostMeaningless = 0.3
const longestHeading = 200

/** PDF: text in reading order, rows of tables on one line with tabs, headings by the size and weight of the letters. */
export const readPdf: Format = async ({ path, limits, spent, onPage }) => {
  using pdf = await openPdf(path)
  if (pdf.pages <= 0) throw corrupt('it has no pages')
  if (pdf.pages > limits.pages) throw tooManyPages(pdf.pages, limits)
  const pages: (Page | undefined)[] = []
  for (let i = 0; i < pdf.pages; i++) {
    pages.push(
      pdf.withPage(i, (page) => {
        const lines = layOut(page)
        const letters = lines.reduce((sum, line) => sum + line.text.length, 0)
        spent.take(letters)
        return { lines, letters, hasImage: letters < fewLetters && page.hasImage() }
      }),
    )
    onPage(i + 1, pdf.pages)
  }
  refuseWithoutText(pages)
  const lines = pages.map((page) => page?.lines ?? [])
  const judge = headingJudge(lines)
  return {
    title: pdf.title() || null,
    paged: true,
    pages: lines.map((page, i) => pageOf(page, i + 1, judge)),
  }
}

function refuseWithoutText(pages: (Page | undefined)[]) {
  const opened = pages.filter((page) => page !== undefined)
  if (opened.length === 0) throw corrupt('none of its pages can be opened')
  if (opened.every((page) => page.letters === 0 || page.hasImage))
    throw opened.some((page) => page.hasImage) ? scanned() : empty()
  const text = opened.flatMap((page) => page.lines.map((line) => line.text)).join('')
  const meaningless = text.match(/[\ufffd\ue000-\uf8ff]/g)?.length ?? 0
  if (meaningless > mostMeaningless * text.length) throw drawn()
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
