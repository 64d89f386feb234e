import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { removeOverlap } from './overlap.ts'

const continueWith = (earlier: string, pieces: string[]) => {
  const overlap = removeOverlap(earlier)
  return pieces.map((piece) => overlap.add(piece)).join('') + overlap.end()
}
const letters = (text: string) => [...text]

describe('removeOverlap', () => {
  const earlier = 'The capital of France is Paris, and the river that flows'

  test('returns a continuation that repeats nothing unchanged', () => {
    expect(continueWith(earlier, [' through', ' it is the Seine.'])).toBe(' through it is the Seine.')
  })

  test('removes the earlier text when the model starts over', () => {
    expect(continueWith(earlier, letters(`${earlier} through it is the Seine.`))).toBe(
      ' through it is the Seine.',
    )
  })

  test('removes the last words when the model repeats them', () => {
    expect(continueWith(earlier, ['the river that flows', ' through it is the Seine.'])).toBe(
      ' through it is the Seine.',
    )
  })

  test('keeps a short continuation that starts with the same word', () => {
    expect(continueWith(earlier, ['The end.'])).toBe('The end.')
  })

  test('returns text that cannot be a repetition at once', () => {
    expect(removeOverlap(earlier).add(' through')).toBe(' through')
  })

  test('changes nothing when there is no earlier text', () => {
    expect(continueWith('', ['Hello', ' there'])).toBe('Hello there')
  })

  test('removes a repetition from the start, however the continuation is divided', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 12, maxLength: 600 }).filter((text) => text.trim() === text),
        fc.array(fc.nat(600), { maxLength: 8 }),
        (before, cuts) => {
          const whole = `${before}§ and then something else entirely`
          const borders = [0, ...cuts.map((cut) => cut % whole.length).sort((a, b) => a - b), whole.length]
          const pieces = borders.slice(1).map((border, i) => whole.slice(borders[i], border))
          expect(continueWith(before, pieces)).toBe('§ and then something else entirely')
        },
      ),
    )
  })
})
