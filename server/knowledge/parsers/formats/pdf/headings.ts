import type { PageLine } from './layout.ts'

/** The minimum ratio of a heading's size to the body text. */
const minSizeRatio = 1.15
const maxHeadingCharacters = 120
/** Number of pages from which a repeated line is a running header. */
const minRunningHeaderPages = 3
/**
 * The fourth largest and all smaller sizes have the same level; bold capitals are one level below, other bold lines
 * two.
 */
const maxSizeLevel = 4
/** Share of bold lines above which bold does not mark headings. */
const maxBoldShare = 0.3

/**
 * Returns a function that returns the level of a heading line (larger than most text, or bold and separate); undefined
 * for other lines.
 */
export function headingDetector(
  pages: PageLine[][],
): (line: PageLine, before: PageLine | undefined) => number | undefined {
  const lines = pages.flat()
  const bodyHeight = medianHeight(lines)
  const repeated = new Map<string, number>()
  for (const page of pages)
    for (const key of new Set(page.map(({ text }) => keyOf(text))))
      repeated.set(key, (repeated.get(key) ?? 0) + 1)

  const mayBeHeading = ({ text }: PageLine) =>
    text.length <= maxHeadingCharacters &&
    /\p{L}{3}/u.test(text) &&
    !text.includes('\t') &&
    !/[.,;]$/.test(text) &&
    (repeated.get(keyOf(text)) ?? 0) < minRunningHeaderPages
  const isLarge = (line: PageLine) => line.height > minSizeRatio * bodyHeight
  const sizes = [...new Set(lines.filter((line) => mayBeHeading(line) && isLarge(line)).map(sizeOf))].sort(
    (a, b) => b - a,
  )
  const isBoldRare = lines.filter((line) => line.bold).length < maxBoldShare * lines.length
  return (line, before) => {
    if (!mayBeHeading(line)) return undefined
    if (isLarge(line)) return Math.min(maxSizeLevel, sizes.indexOf(sizeOf(line)) + 1)
    const isSeparate = line.opens || !before || before.bold
    if (!line.bold || !isBoldRare || !isSeparate || !/^[^\p{Ll}]/u.test(line.text)) return undefined
    return maxSizeLevel + (/\p{Ll}/u.test(line.text) ? 2 : 1)
  }
}

const sizeOf = (line: PageLine) => Math.round(line.height)

const keyOf = (text: string) => text.replace(/\d+/g, '#').trim().toLowerCase()

/** Returns the median letter height. */
function medianHeight(lines: PageLine[]): number {
  const sorted = lines.toSorted((a, b) => a.height - b.height)
  const half = lines.reduce((sum, line) => sum + line.text.length, 0) / 2
  let letters = 0
  return sorted.find((line) => (letters += line.text.length) >= half)?.height ?? 0
}
