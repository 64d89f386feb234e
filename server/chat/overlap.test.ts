import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { removeOverlap } from './overlap.ts'

const through = (said: string, pieces: string[]) => {
  const joint = removeOverlap(said)
  return pieces.map((piece) => joint.add(piece)).join('') + joint.end()
}
const letters = (text: string) => [...text]

describe('the seam of a continued answer', () => {
  const said = 'The capital of France is Paris, and the river that flows'

  test('lets a continuation through as it is', () => {
    expect(through(said, [' through', ' it is the Seine.'])).toBe(' through it is the Seine.')
  })

  test('says nothing twice when the model begins again', () => {
    expect(through(said, letters(`${said} through it is the Seine.`))).toBe(' through it is the Seine.')
  })

  test('says nothing twice when the model repeats the last words', () => {
    expect(through(said, ['the river that flows', ' through it is the Seine.'])).toBe(
      ' through it is the Seine.',
    )
  })

  test('keeps a short continuation that happens to begin alike', () => {
    expect(through(said, ['The end.'])).toBe('The end.')
  })

  test('holds nothing back that cannot be a repetition', () => {
    expect(removeOverlap(said).add(' through')).toBe(' through')
  })

  test('is transparent when nothing was said before', () => {
    expect(through('', ['Hello', ' there'])).toBe('Hello there')
  })

  test('however the text is cut, a repetition from the start is removed', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 12, maxLength: 600 }).filter((text) => text.trim() === text),
        fc.array(fc.nat(600), { maxLength: 8 }),
        (before, cuts) => {
          const whole = `${before}§ and then something else entirely`
          const borders = [0, ...cuts.map((cut) => cut % whole.length).sort((a, b) => a - b), whole.length]
          const pieces = borders.slice(1).map((border, i) => whole.slice(borders[i], border))
          expect(through(before, pieces)).toBe('§ and then something else entirely')
        },
      ),
    )
  })
})
