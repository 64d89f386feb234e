import { wordCount } from '../chunking/word-count.ts'

/** Words of a section: about a printed page. */
const usualWords = 500

/**
 * Which section each passage belongs to, 1, 2, 3 … through the document: a page, or an even share of one that is much
 * longer than printed pages are (a text without pages).
 */
export function assignSections(passages: { page: number | null; text: string }[]): number[] {
  const sections: number[] = []
  let before = 0
  for (let first = 0; first < passages.length; ) {
    const page = passages[first]?.page ?? null
    let end = first
    while (end < passages.length && (passages[end]?.page ?? null) === page) end += 1
    const lengths = passages.slice(first, end).map((passage) => wordCount(passage.text))
    const total = lengths.reduce((sum, length) => sum + length, 0)
    const shares = Math.max(1, Math.round(total / usualWords))
    let passed = 0
    for (const length of lengths) {
      const share = total === 0 ? 0 : Math.floor(((passed + length / 2) / total) * shares)
      sections.push(before + 1 + Math.min(share, shares - 1))
      passed += length
    }
    before = sections.at(-1) ?? before
    first = end
  }
  return sections
}
