import { expect, test } from 'vitest'
import { directionProblems, problemsOf } from './languages.ts'

const count = '{count, plural, one {# page} other {# pages}}'
const source = (code: string): [string, string][] => [['page.tsx', code]]
const page = source(`const f = (count: number) => t('${count}', { count })`)

test('accepts complete translations', () => {
  const german = { [count]: '{count, plural, one {# Seite} other {# Seiten}}' }
  const japanese = { [count]: '{count, plural, other {# ページ}}' }
  expect(problemsOf(page, { de: german, ja: japanese })).toEqual([])
})

test.each([
  [
    'a missing sentence',
    page,
    {},
    'page.tsx:1: “{count, plural, one {# page} other {# pages}}” has no translation in de.',
  ],
  [
    'an empty sentence',
    source("const f = () => t('Save')"),
    { Save: ' ' },
    'page.tsx:1: “Save” has no translation in de.',
  ],
  ['an unused sentence', source(''), { Save: 'Speichern' }, 'de: “Save” is not used.'],
  [
    'another placeholder',
    source("const f = (name: string) => t('Ask {name}', { name })"),
    { 'Ask {name}': '{nane} fragen' },
    'de: “{nane} fragen” does not have the placeholders of “Ask {name}”.',
  ],
  [
    'a missing element',
    source("const f = () => rich('See <a>here</a>.', { a })"),
    { 'See <a>here</a>.': 'Siehe hier.' },
    'de: “Siehe hier.” does not have the placeholders of “See <a>here</a>.”.',
  ],
  [
    'a missing plural form',
    page,
    { [count]: '{count, plural, other {# Seiten}}' },
    'de: “{count, plural, other {# Seiten}}” needs the plural forms other, one.',
  ],
])('reports %s', (_, sources, german, problem) => {
  expect(problemsOf(sources, { de: german })).toEqual([problem])
})

test.each([
  [
    "const title = t('Save')",
    'page.tsx:1: the language is not known yet. Use message() here and t() where it is shown.',
  ],
  ['const f = () => <p>Save it</p>', 'page.tsx:1: translate “Save it” with t().'],
  ['const f = () => <Button label="Save" />', 'page.tsx:1: translate “Save” with t().'],
  ["const f = () => t('Ask {name}')", 'page.tsx:1: “Ask {name}” needs the values name.'],
])('reports %s', (code, problem) => {
  expect(problemsOf(source(code), {})).toEqual([problem])
})

test('reports declarations that do not follow the direction of the text', () => {
  const css = '.a { margin-left: 1px; inset-inline-start: 0; left: 50%; text-align: right; }'
  expect(directionProblems('a.css', css.replaceAll('; ', ';\n'))).toHaveLength(2)
})
