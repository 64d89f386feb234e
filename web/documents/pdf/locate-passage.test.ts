import fc from 'fast-check'
import { expect, test } from 'vitest'
import { locatePassage } from './locate-passage.ts'

/** Returns the text of each span located on a page. */
function locatedText(page: string, passage: string): string[] | undefined {
  const characters = [...page]
  return locatePassage(characters, passage)?.map(({ from, to }) => characters.slice(from, to).join(''))
}

test('ignores white space, case, ligatures, diacritics and hyphens', () => {
  const page = 'Head\r\nThe oﬃce was con\ufffe\r\nﬁgured in Cafe\u0301  Müller.\r\n7'
  expect(locatedText(page, 'the office was configured in café müller')).toEqual([
    'The oﬃce was con\ufffe\r\nﬁgured in Cafe\u0301  Müller',
  ])
})

test('locates a passage in parts if the page stores it in another order', () => {
  const drawn = 'The mill stands by the\r\nIn winter the ferry\r\nriver and grinds rye.\r\nrests at the quay.'
  const read = 'The mill stands by the\nriver and grinds rye.'
  expect(locatedText(drawn, read)).toEqual(['The mill stands by the', 'river and grinds rye'])
})

test('matches sigma with final sigma', () => {
  expect(locatedText('Ο ΜΥΛΟΣ ΑΛΕΘΕΙ', 'ο μύλος αλέθει')).toEqual(['Ο ΜΥΛΟΣ ΑΛΕΘΕΙ'])
})

test('locates repeated short numbers next to their row', () => {
  const rows = 'Sheep\r\n12\r\n15\r\nGoats and kids\r\n12\r\n15\r\nGeese\r\n12\r\n15'
  const spans = locatePassage(rows.split(''), 'Goats and kids\t12\t15')
  expect(spans).toEqual([{ from: rows.indexOf('Goats'), to: rows.indexOf('Geese') - 2 }])
})

test('locates a passage in a script without spaces across reordered lines', () => {
  const page = '灯台は岬の先に\r\n冬は渡し船が\r\n立っている。'
  expect(locatedText(page, '灯台は岬の先に立っている。')).toEqual(['灯台は岬の先に', '立っている'])
})

test('returns undefined if most of the passage is missing', () => {
  expect(
    locatedText('The harbour opens at dawn.', 'The barn at the old mill closes in winter'),
  ).toBeUndefined()
  expect(locatedText('The harbour opens at dawn.', ' … ')).toBeUndefined()
  expect(locatedText('', 'The barn')).toBeUndefined()
})

test('locates every range of words, however the page breaks lines', () => {
  const word = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((text) => /\p{L}{2}/u.test(text))
  fc.assert(
    fc.property(fc.array(word, { minLength: 3, maxLength: 40 }), fc.nat(), fc.nat(), (words, a, b) => {
      const from = a % words.length
      const to = from + 1 + (b % (words.length - from))
      const letters = (text: string) =>
        text
          .normalize('NFKD')
          .toLowerCase()
          .replaceAll('ς', 'σ')
          .replace(/[^\p{L}\p{N}]/gu, '')
      const pieces = locatedText(words.join('\r\n'), words.slice(from, to).join(' '))
      expect(pieces?.map(letters).join('')).toContain(letters(words.slice(from, to).join('')))
    }),
  )
})
