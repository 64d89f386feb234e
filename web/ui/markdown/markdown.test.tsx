import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { Markdown } from './markdown.tsx'

const html = (text: string): string => renderToStaticMarkup(<Markdown text={text} />)

test.each([
  ['inline', 'It is \\(a^2\\) here.', '\\(a^2\\)'],
  ['between dollars', 'It is $a_1 * b_2 * c$ here.', '$a_1 * b_2 * c$'],
  ['in a block', 'So:\n\\[\na^2 \\\\\nb_1\n\\]\nand', '\\[\na^2 \\\\\nb_1\n\\]'],
  ['between double dollars', '$$\n\\frac{1}{2}\n$$', '$$\n\\frac{1}{2}\n$$'],
])('keeps the source of a formula %s', (_, text, source) => {
  expect(html(text)).toContain(`>${source}</code>`)
})

test.each(['It costs $5 and $10.', 'From $20k in 2020 to 30$ now', 'Item \\[sic\\]', 'A US$5_a note$ b'])(
  'finds no formula in: %s',
  (text) => {
    expect(html(text)).not.toContain('<code')
  },
)

test('sets the direction on outer blocks only, so that lists and quotations take it from their text', () => {
  expect(html('> שלום\n\n- א\n\n- ב')).toMatch(
    /<blockquote dir="auto"><p>.*<\/blockquote><ul dir="auto"><li><p>/,
  )
})

test('links footnotes to their texts', () => {
  const page = html('See[^1] and[^2].\n\n[^1]: The *first* one.\n')
  const [, id = ''] = /<p class="footnote" dir="auto" id="([^"]+)"/.exec(page) ?? []
  expect(page).toContain(`<sup><a href="#${id}" aria-label="Footnote 1">1</a></sup> and[^2].`)
  expect(page).toContain('<sup>1</sup> The <em>first</em> one.')
})
