import { describe, expect, test } from 'vitest'
import { excerptOf } from './excerpt.ts'

const about = (word: string) => (sentence: string) => (sentence.includes(word) ? 1 : 0)
const filler = (count: number) =>
  Array.from({ length: count }, (_, i) => `The weather of day ${i} was mild and without wind.`).join(' ')

describe('an excerpt of an earlier message', () => {
  test('is the whole message if it is short', () => {
    expect(excerptOf('I sail. My boat is red.', 600, about('boat'))).toBe('I sail. My boat is red.')
  })

  test('contains the sentence that matches, wherever it is, and marks what is left out', () => {
    const text = `${filler(40)} My boat is red. ${filler(40)}`
    const excerpt = excerptOf(text, 600, about('boat'))
    expect(excerpt).toContain('… My boat is red.')
    expect(excerpt).toMatch(/^The weather of day 0 /)
    expect(excerpt.length).toBeLessThan(620)
  })

  test('is the beginning of a text without short sentences', () => {
    expect(excerptOf('x'.repeat(5_000), 600, about('boat'))).toBe('x'.repeat(600))
  })
})
