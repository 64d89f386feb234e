import { expect, test } from 'vitest'
import { createSnippet } from './snippet.ts'

const hits = (text: string, query: string) =>
  createSnippet(text, query)
    .filter((piece) => piece.isMatch)
    .map((piece) => piece.text)

test('words of the query are marked, with other endings, cases and accents; small words are not', () => {
  expect(hits('The harbour of Vellmar opens at dawn.', 'When does the HARBOUR of Vellmar open?')).toEqual([
    'harbour',
    'Vellmar',
    'opens',
  ])
  expect(hits('Das Café ist zu.', 'cafe')).toEqual(['Café'])
})

test('small words are marked when there are no others', () => {
  expect(hits('To be or not to be', 'be')).toEqual(['be', 'be'])
})

test('a script without spaces is marked too', () => {
  expect(hits('港は夜明けに開く', '港').join('')).toBe('港')
})

test('nothing is lost or made up: the pieces are the text', () => {
  const text = 'One  line,\nand (another) <one>.'
  expect(
    createSnippet(text, 'another line')
      .map((piece) => piece.text)
      .join(''),
  ).toBe(text)
})

test('a long text is cut to where the most words stand, and shows that it is cut', () => {
  const filler = 'Nothing of this matters here. '.repeat(40)
  const text = `${filler}The mill adds two numbers. ${filler}`
  const pieces = createSnippet(text, 'mill numbers')
  const shown = pieces.map((piece) => piece.text).join('')
  expect(shown).toMatch(/^… .*The mill adds two numbers\..* …$/)
  expect(shown.length).toBeLessThan(330)
  expect(pieces.filter((piece) => piece.isMatch)).toHaveLength(2)
})

test('without a hit the beginning is shown', () => {
  const shown = createSnippet('Abc def. '.repeat(100), 'zebra')
  expect(shown).toHaveLength(1)
  expect(shown[0]?.text.startsWith('Abc def.')).toBe(true)
})
