import { blocksOf } from './columns.ts'
import { isRightToLeft, linesInContentOrder, type PlacedLine } from './content-order.ts'
import { type Line, linesOf } from './lines.ts'
import type { PdfPage } from './pdfium.ts'
import { lineHyphen, type Run, runsOf } from './runs.ts'

/** A line of a page in its final form. */
export type PageLine = {
  text: string
  /** True when a blank line precedes it: after a wider gap or another block. */
  opens: boolean
  height: number
  bold: boolean
}

/** Ratio to the block's median gap above which a gap separates paragraphs. */
const minParagraphGap = 1.3
/** Indentation of a paragraph's first line, in line heights. */
const minIndent = 0.7
const maxIndent = 4
/** The average characters per run up to which letters are rotated or scattered, so that coordinates are not usable. */
const minCharactersPerRun = 2
/** Maximum characters of a heading. */
const maxHeadingCharacters = 120

/** Returns the lines of a page in reading order: table rows whole, column by column. */
export function layoutPage(page: PdfPage): PageLine[] {
  const glyphs = [...page.glyphs()]
  const runs = isRightToLeft(glyphs) ? [] : runsOf(glyphs)
  const letters = runs.reduce((sum, run) => sum + run.text.length, 0)
  const lines: PageLine[] = []
  if (letters <= runs.length * minCharactersPerRun) {
    const placed = linesInContentOrder(glyphs)
    const opens = opensOf(placed)
    for (const [i, { text, height }] of placed.entries())
      lines.push({ text, opens: opens(i), height, bold: false })
  } else {
    const { number, rest } = withoutPageNumber(runs)
    for (const block of [...blocksOf(rest), number]) writeBlock(linesOf(block), page, lines)
  }
  return joinHyphenatedWords(lines)
}

function writeBlock(placed: Line[], page: PdfPage, lines: PageLine[]) {
  const opens = opensOf(placed)
  for (const [i, { text, height, runs }] of placed.entries()) {
    const [first] = runs
    const last = runs.at(-1)
    const mayBeHeading = text.length <= maxHeadingCharacters && /\p{L}/u.test(text)
    const bold = mayBeHeading && !!first && !!last && page.isBold(first.first) && page.isBold(last.last)
    lines.push({ text, opens: i === 0 ? !isContinued(lines.at(-1)?.text, text) : opens(i), height, bold })
  }
}

/** Separates the page number, which would interrupt a sentence that continues in the next column. */
function withoutPageNumber(runs: Run[]): { number: Run[]; rest: Run[] } {
  const foot = Math.min(...runs.map((run) => run.bottom))
  const number = runs.filter((run) => run.bottom < foot + run.height / 2)
  const isNumber =
    number.length === 1 && /^[-–—\s]*(?:\d{1,4}|[ivxl]{1,6})[-–—\s]*$/.test(number[0]?.text ?? '')
  return isNumber ? { number, rest: runs.filter((run) => run !== number[0]) } : { number: [], rest: runs }
}

/** Returns for each line of a block whether a paragraph begins there: after a wide gap, or with an indent. */
function opensOf(placed: PlacedLine[]) {
  const steps = placed.slice(1).map((line, i) => (placed[i]?.bottom ?? 0) - line.bottom)
  const medianStep = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0
  const margin = Math.min(...placed.map((line) => line.left))
  const indent = (line: PlacedLine | undefined) => (line ? (line.left - margin) / line.height : 0)
  const isIndented = (i: number) => {
    const own = indent(placed[i])
    return (
      own > minIndent &&
      own < maxIndent &&
      indent(placed[i - 1]) < minIndent &&
      indent(placed[i + 1]) < minIndent
    )
  }
  return (i: number) =>
    (steps[i - 1] ?? 0) > minParagraphGap * Math.max(medianStep, placed[i]?.height ?? 0) || isIndented(i)
}

/** Returns whether a sentence continues in the next column. */
const isContinued = (before: string | undefined, text: string) =>
  before !== undefined && !/[.!?:]["”’)]?$/.test(before) && /^\p{Ll}/u.test(text)

/** Joins words hyphenated at a line end on the first of the two lines. */
function joinHyphenatedWords(lines: PageLine[]): PageLine[] {
  const joined: PageLine[] = []
  for (const line of lines) {
    const before = joined.at(-1)
    const rest = before && /^(\p{Ll}[^\s]*)\s*/u.exec(line.text)
    const isHyphenated = before && (before.text.endsWith(lineHyphen) || /\p{L}-$/u.test(before.text))
    if (before && rest && isHyphenated && !line.text.includes('\t')) {
      before.text = before.text.slice(0, -1) + (rest[1] ?? '')
      const text = line.text.slice(rest[0].length)
      if (text !== '') joined.push({ ...line, text })
    } else joined.push({ ...line })
  }
  return joined.map((line) => ({ ...line, text: line.text.replaceAll(lineHyphen, '-') }))
}
