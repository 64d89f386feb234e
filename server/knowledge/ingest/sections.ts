import { wordCount } from '../chunking/word-count.ts'

/** The words of a section in a text without pages: about a printed page. */
const wordsPerSection = 500

/**
 * Returns the section number of each passage, counted from 1 through the document. A section is a page, or an even
 * share of a page that is much longer than a printed one.
 */
export function assignSections(passages: { page: number | null; text: string }[]): number[] {
  const numbers: number[] = []
  let previous = 0
  for (let first = 0; first < passages.length; ) {
    const page = passages[first]?.page ?? null
    let end = first
    while (end < passages.length && (passages[end]?.page ?? null) === page) end += 1
    const lengths = passages.slice(first, end).map((passage) => wordCount(passage.text))
    const total = lengths.reduce((sum, length) => sum + length, 0)
    const sections = Math.max(1, Math.round(total / wordsPerSection))
    let words = 0
    for (const length of lengths) {
      // The middle of the passage decides.
      const index = total === 0 ? 0 : Math.floor(((words + length / 2) / total) * sections)
      numbers.push(previous + 1 + Math.min(index, sections - 1))
      words += length
    }
    previous = numbers.at(-1) ?? previous
    first = end
  }
  return numbers
}
