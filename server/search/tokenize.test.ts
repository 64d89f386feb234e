import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tokenize } from './tokenize.ts'

const marks = { word: '', bigram: '', compound: '*', character: '°' }
const tokens = (text: string) =>
  [...tokenize(text)].map(({ text: token, kind }) => `${token}${marks[kind]}`).join(' ')

describe('tokenize', () => {
  test.each([
    ['The quick brown fox', 'The quick brown fox'],
    ['end of one.Next,then', 'end of one Next oneNext* then'],
    ['GPT-4o and AB-123/45', 'GPT 4o GPT4o* and AB 123 45 AB12345*'],
    ['foo_bar.baz', 'foo bar baz foobarbaz*'],
    ['getUserName HTTPServer', 'get User Name getUserName* HTTP Server HTTPServer*'],
    ['FY2022 10-K 10K', 'FY 2022 FY2022* 10 K 10K* 10K'],
    ['e-mail to john.doe@acme.com', 'e mail email* to john doe acme com johndoeacmecom*'],
    ['the company’s profit, l’homme', 'the company s profit l homme'],
    ['किताबें पढ़ना', 'किताबें पढ़ना'],
    ['\uff21\uff22\uff23\uff11\uff12\uff13', 'ABC 123 ABC123*'],
  ])('splits text with spaces into words and compounds: %s', (text, expected) =>
    expect(tokens(text)).toBe(expected),
  )

  test.each([
    ['$1,577 or 1.577', '1577 or 1577'],
    ['36.8 % and 36,8 %', '36.8 and 36.8'],
    ['1,234,567.89', '1234567.89'],
    ['1.234.567,89', '1234567.89'],
    ['12/31/2022', '12 31 2022 12312022*'],
    ['one,two 3,4,5', 'one two 3 4 5 345*'],
  ])('keeps a number whole: %s', (text, expected) => expect(tokens(text)).toBe(expected))

  test.each([
    ['東京', '東京 東° 京°'],
    ['龍', '龍'],
    ['高さ333m', '高さ 高° さ° 333m'],
    ['แมว', 'แม แ° มว ม° ว°'],
    ['한국', '한국 한° 국°'],
  ])('splits text without spaces into bigrams and characters: %s', (text, expected) =>
    expect(tokens(text)).toBe(expected),
  )

  test('returns letters, marks and digits only, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const { text: token } of tokenize(text))
          expect(token).toMatch(/^[\p{L}\p{M}\p{N}]+(?:\.\p{Nd}+)?$/u)
      }),
    )
  })
})
