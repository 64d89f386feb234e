import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { forgivenSlips, slipsBetween } from './spelling.ts'

describe('slips between words', () => {
  test.each([
    ['receive', 'receive', 0],
    ['recieve', 'receive', 1],
    ['harbor', 'harbour', 1],
    ['nothern', 'northern', 1],
    ['bananna', 'banana', 1],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['é', 'e', 1],
  ])('%s for %s: %i', (a, b, slips) => expect(slipsBetween(a, b, 5)).toBe(slips))

  test('are not counted further than asked', () => {
    expect(slipsBetween('kitten', 'sitting', 1)).toBe(2)
    expect(slipsBetween('a', 'abcdefgh', 2)).toBe(3)
  })

  test('are the same both ways, and as many as were made', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(slipsBetween(a, b, 20)).toBe(slipsBetween(b, a, 20))
      }),
    )
    fc.assert(
      fc.property(word, fc.nat(), (a, at) => {
        const cut = at % a.length
        expect(slipsBetween(a, a.slice(0, cut) + a.slice(cut + 1), 3)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('short words, figures and codes are not mended', () => {
    expect(['cat', '2023', 'h2o1', 'ab-1'].map(forgivenSlips)).toEqual([0, 0, 0, 0])
    expect([forgivenSlips('ship'), forgivenSlips('northern')]).toEqual([1, 2])
  })
})
