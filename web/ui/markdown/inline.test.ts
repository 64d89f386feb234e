import { expect, test } from 'vitest'
import { safeAddress, splitAtReferences, splitLastWord, unescapeEntities } from './inline.ts'

test('splits at references to known passages', () => {
  expect(splitAtReferences('As said [1], and [2, 3].', (n) => n <= 3)).toEqual([
    { type: 'text', text: 'As said ' },
    { type: 'citations', numbers: [1], text: '[1]' },
    { type: 'text', text: ', and ' },
    { type: 'citations', numbers: [2, 3], text: '[2, 3]' },
    { type: 'text', text: '.' },
  ])
  expect(splitAtReferences('a[9] in [2024]', (n) => n <= 3)).toEqual([
    { type: 'text', text: 'a[9] in [2024]' },
  ])
  expect(splitAtReferences('[1][2]', () => true).map((stretch) => stretch.text)).toEqual(['[1]', '[2]'])
})

test.each([
  ['https://example.org/a?b=c#d', 'https://example.org/a?b=c#d'],
  ['mailto:a@example.org', 'mailto:a@example.org'],
  ['javascript:alert(1)', undefined],
  ['JaVa\tScRiPt:alert(1)', undefined],
  ['data:text/html,<script>', undefined],
  ['vbscript:x', undefined],
  ['file:///etc/passwd', undefined],
  ['/me', undefined],
  ['//example.org', undefined],
])('resolves the link %s to %s', (href, address) => {
  expect(safeAddress(href)).toBe(address)
})

test('decodes known entities', () => {
  expect(unescapeEntities('a &amp; b &lt;c&gt; &#8364; &#x1F642; &nosuch; & &#0;')).toBe(
    'a & b <c> € 🙂 &nosuch; & &#0;',
  )
})

test('splits before the last word', () => {
  expect(splitLastWord('of the valley ')).toEqual(['of the ', 'valley'])
  expect(splitLastWord('one')).toEqual(['', 'one'])
  expect(splitLastWord('a '.concat('x'.repeat(40)))).toEqual(['a '.concat('x'.repeat(40)), ''])
  expect(splitLastWord('')).toEqual(['', ''])
})
