import type { PageLine } from './layout.ts'

/** Minimum ratio of a heading's size to the body text. */
const larger = 1.15
const longest = 120
/** Number of pages from which a repeated line is a running header. */
const runningHead = 3
/**
 * All sizes from the fourth on share one level; bold capitals rank below them, and bold lines below those.
 */
const deepest = 4
/** Share of bold lines above which bold does not mark headings. */
const mostBold = 0.3

/**
 * Returns a function that gives the level of a heading line, based on the whole document: larger than most
 * text, or bold and separate. It returns undefined for other lines.
 */
export function headingDetector(
  pages: PageLine[][],
): (line: PageLine, before: PageLine | undefined) => number | undefined {
  const lines = pages.flat()
  const body = usualHeight(lines)
  const repeated = new Map<string, number>()
  for (const page of pages)
    for (const key of new Set(page.map(({ text }) => keyOf(text))))
      repeated.set(key, (repeated.get(key) ?? 0) + 1)

  const couldBe = ({ text }: PageLine) =>
    text.length <= longest &&
    /\p{L}{3}/u.test(text) &&
    !text.includes('\t') &&
    !/[.,;]$/.test(text) &&
    (repeated.get(keyOf(text)) ?? 0) < runningHead
  const isLarge = (line: PageLine) => line.height > larger * body
  const sizes = [...new Set(lines.filter((line) => couldBe(line) && isLarge(line)).map(sizeOf))].sort(
    (a, b) => b - a,
  )
  const isBoldRare = lines.filter((line) => line.bold).length < mostBold * lines.length
  return (line, before) => {
    if (!couldBe(line)) return undefined
    if (isLarge(line)) return Math.min(deepest, sizes.indexOf(sizeOf(line)) + 1)
    const standsAlone = line.opens || !before || before.bold
    if (!line.bold || !isBoldRare || !standsAlone || !/^[^\p{Ll}]/u.test(line.text)) return undefined
    return deepest + (/\p{Ll}/u.test(line.text) ? 2 : 1)
  }
}

const sizeOf = (line: PageLine) => Math.round(line.height)

const keyOf = (text: string) => text.replace(/\d+/g, '#').trim().toLowerCase()

/** Returns the median letter height. */
function usualHeight(lines: PageLine[]): number {
  const sorted = lines.toSorted((a, b) => a.height - b.height)
  const half = lines.reduce((sum, line) => sum + line.text.length, 0) / 2
  let letters = 0
  return sorted.find((line) => (letters += line.text.length) >= half)?.height ?? 0
}
