import { expect, test } from 'vitest'
import { createSnippet, plainText } from './snippet.ts'

const matches = (text: string, query: string) =>
  createSnippet(text, query)
    .filter((part) => part.isMatch)
    .map((part) => part.text)

test('matches other endings, cases and diacritics, but not short words', () => {
  expect(matches('The harbour of Vellmar opens at dawn.', 'When does the HARBOUR of Vellmar open?')).toEqual([
    'harbour',
    'Vellmar',
    'opens',
  ])
  expect(matches('Das Café ist zu.', 'cafe')).toEqual(['Café'])
})

test('matches short words if the query has no others', () => {
  expect(matches('To be or not to be', 'be')).toEqual(['be', 'be'])
})

test('matches words in scripts without spaces', () => {
  expect(matches('港は夜明けに開く', '港').join('')).toBe('港')
})

test('returns parts that join to the text', () => {
  const text = 'One  line,\nand (another) <one>.'
  expect(
    createSnippet(text, 'another line')
      .map((part) => part.text)
      .join(''),
  ).toBe(text)
})

test('truncates a long text to the window with the most query words', () => {
  const filler = 'Nothing of this matters here. '.repeat(40)
  const text = `${filler}The mill adds two numbers. ${filler}`
  const parts = createSnippet(text, 'mill numbers')
  const shown = parts.map((part) => part.text).join('')
  expect(shown).toMatch(/^… .*The mill adds two numbers\..* …$/)
  expect(shown.length).toBeLessThan(330)
  expect(parts.filter((part) => part.isMatch)).toHaveLength(2)
})

test('returns the beginning of a text without a match', () => {
  const shown = createSnippet('Abc def. '.repeat(100), 'zebra')
  expect(shown).toHaveLength(1)
  expect(shown[0]?.text.startsWith('Abc def.')).toBe(true)
})

test('returns Markdown as plain text', () => {
  const markdown =
    '## Fees\n\n- The **dues** are `30`, see [the *list*](https://example.org).\n\n| a | b |\n| --- | --- |'
  expect(plainText(markdown)).toBe('Fees The dues are 30, see the list. | a | b |')
  expect(plainText('2 * 3 * 4 = 24\nsnake_case [1]')).toBe('2 * 3 * 4 = 24 snake_case [1]')
})
