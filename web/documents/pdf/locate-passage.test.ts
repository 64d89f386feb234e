import fc from 'fast-check'
import { expect, test } from 'vitest'
import { locatePassage } from './locate-passage.ts'

/** What of a page was found, stretch by stretch. */
function found(page: string, passage: string): string[] | undefined {
  const characters = [...page]
  return locatePassage(characters, passage)?.map(({ from, to }) => characters.slice(from, to).join(''))
}

test('a passage is found whatever the blanks, case, ligatures, accents and hyphens', () => {
  const page = 'Head\r\nThe oﬃce was con\ufffe\r\nﬁgured in Cafe\u0301  Müller.\r\n7'
  expect(found(page, 'the office was configured in café müller')).toEqual([
    'The oﬃce was con\ufffe\r\nﬁgured in Cafe\u0301  Müller',
  ])
})

test('a passage that is drawn in another order is found in parts', () => {
  const drawn = 'The mill stands by the\r\nIn winter the ferry\r\nriver and grinds rye.\r\nrests at the quay.'
  const read = 'The mill stands by the\nriver and grinds rye.'
  expect(found(drawn, read)).toEqual(['The mill stands by the', 'river and grinds rye'])
})

test('a sigma is found whether it ends a word or not', () => {
  expect(found('Ο ΜΥΛΟΣ ΑΛΕΘΕΙ', 'ο μύλος αλέθει')).toEqual(['Ο ΜΥΛΟΣ ΑΛΕΘΕΙ'])
})

test('of short figures that stand in several places those beside their row are taken', () => {
  const rows = 'Sheep\r\n12\r\n15\r\nGoats and kids\r\n12\r\n15\r\nGeese\r\n12\r\n15'
  const spans = locatePassage(rows.split(''), 'Goats and kids\t12\t15')
  expect(spans).toEqual([{ from: rows.indexOf('Goats'), to: rows.indexOf('Geese') - 2 }])
})

test('a passage in an unspaced script is found across lines in another order', () => {
  const page = '灯台は岬の先に\r\n冬は渡し船が\r\n立っている。'
  expect(found(page, '灯台は岬の先に立っている。')).toEqual(['灯台は岬の先に', '立っている'])
})

test('what is not on the page is not found, even when some of its words are', () => {
  expect(found('The harbour opens at dawn.', 'The barn at the old mill closes in winter')).toBeUndefined()
  expect(found('The harbour opens at dawn.', ' … ')).toBeUndefined()
  expect(found('', 'The barn')).toBeUndefined()
})

test('every stretch of a page is found where its letters stand, however it is broken into lines', () => {
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
      const pieces = found(words.join('\r\n'), words.slice(from, to).join(' '))
      expect(pieces?.map(letters).join('')).toContain(letters(words.slice(from, to).join('')))
    }),
  )
})
