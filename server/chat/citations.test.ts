import { describe, expect, test } from 'vitest'
import type { CitedPassage } from '../../contract/messages.ts'
import { selectCitations } from './citations.ts'

const given = [1, 2, 3, 12].map(
  (n): CitedPassage => ({
    n,
    document_id: '0192f0c1-0000-7000-8000-000000000000',
    title: `Title ${n}`,
    filename: null,
    page: n,
    heading: null,
    passage: n,
    start: 0,
    end: 4,
    text: 'text',
    score: 1,
    layer: 'public',
    cited: false,
  }),
)
const numbers = (answer: string) =>
  selectCitations(answer, given).map((citation) => [citation.n, citation.cited])

describe('selectCitations', () => {
  test('returns the named passages once each, in the order of their first mention', () => {
    expect(numbers('First [2], again [2], then [1, 12] and [3; 2].')).toEqual([
      [2, true],
      [1, true],
      [12, true],
      [3, true],
    ])
  })

  test('ignores numbers without a passage', () => {
    expect(numbers('See [7] and [1].')).toEqual([[1, true]])
  })

  test('returns all passages as not cited when the answer cites none', () => {
    expect(numbers('An answer without numbers.')).toEqual([1, 2, 3, 12].map((n) => [n, false]))
  })
})
