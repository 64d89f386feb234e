import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { editDistance, maxEdits } from './spelling.ts'

describe('editDistance', () => {
  test.each([
    ['receive', 'receive', 0],
    ['recieve', 'receive', 1],
    ['harbor', 'harbour', 1],
    ['nothern', 'northern', 1],
    ['bananna', 'banana', 1],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['é', 'e', 1],
  ])('from %s to %s is %i', (a, b, edits) => expect(editDistance(a, b, 5)).toBe(edits))

  test('stops counting above the limit', () => {
    expect(editDistance('kitten', 'sitting', 1)).toBe(2)
    expect(editDistance('a', 'abcdefgh', 2)).toBe(3)
  })

  test('is symmetric, and 1 at most after one deletion', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b, 20)).toBe(editDistance(b, a, 20))
      }),
    )
    fc.assert(
      fc.property(word, fc.nat(), (a, at) => {
        const index = at % a.length
        expect(editDistance(a, a.slice(0, index) + a.slice(index + 1), 3)).toBeLessThanOrEqual(1)
      }),
    )
  })
})

test('maxEdits is 0 for short words, numbers and identifiers, and grows with the length', () => {
  expect(['cat', '2023', 'h2o1', 'ab-1'].map(maxEdits)).toEqual([0, 0, 0, 0])
  expect([maxEdits('ship'), maxEdits('northern')]).toEqual([1, 2])
})
