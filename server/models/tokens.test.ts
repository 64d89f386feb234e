import { describe, expect, test } from 'vitest'
import { createTokenCounter, estimateTokens } from './tokens.ts'

describe('the estimate of a text’s tokens', () => {
  test.each([
    ['', 0],
    ['cat', 1],
    ['the cat sat on the mat', 6],
    ['extraordinarily', 4],
    ['1234567', 3],
    ['你好世界', 4],
    ['สวัสดี', 6],
    ['...', 2],
    ['a\n\nb', 3],
    ['Übergröße', 4],
  ])('of %j is %i', (text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens)
  })

  test('is fast for a long text', () => {
    expect(estimateTokens('word '.repeat(200_000))).toBe(200_000)
  })
})

describe('counting for a model', () => {
  const text = 'the cat sat on the mat and looked at the other cat '.repeat(10)
  const prompt = { messages: [{ role: 'user' as const, content: text }] }
  const estimate = estimateTokens(text)

  test('uses a larger factor for unknown models', () => {
    expect(createTokenCounter().count(text, 'llama3.2:1b')).toBe(Math.ceil(estimate * 1.2))
    expect(createTokenCounter().count(text, 'gpt-4o')).toBe(estimate)
  })

  test('adapts to the counts that the model reports', () => {
    const tokens = createTokenCounter()
    tokens.calibrate('llama3.2:1b', prompt, estimate * 1.5 + 4)
    expect(tokens.count(text, 'llama3.2:1b')).toBe(Math.ceil(estimate * 1.5))
    tokens.calibrate('llama3.2:1b', prompt, estimate * 2 + 4)
    expect(tokens.count(text, 'llama3.2:1b')).toBeGreaterThan(estimate * 1.5)
    expect(tokens.count(text, 'other')).toBe(Math.ceil(estimate * 1.2))
  })

  test('ignores implausible counts and short prompts', () => {
    const tokens = createTokenCounter()
    tokens.calibrate('llama3.2:1b', prompt, 10)
    tokens.calibrate('llama3.2:1b', prompt, estimate * 20)
    tokens.calibrate('llama3.2:1b', { messages: [{ role: 'user', content: 'Hi' }] }, 3)
    expect(tokens.count(text, 'llama3.2:1b')).toBe(Math.ceil(estimate * 1.2))
  })
})
