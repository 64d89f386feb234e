import { frequentWordsOf, idfOfRank } from './frequent-words.ts'
import { stemmerFor } from './stem.ts'

/** Returns the general IDF of a word, 0 to 1. */
export type GeneralIdf = (word: string) => number

const cache = new Map<string, Promise<GeneralIdf>>()

/**
 * Returns the general IDF of the words of a language, by their stems: it depends on no document collection. By Zipf's law, the frequency
 * of the word with rank r is proportional to 1/r, so its inverse document frequency grows with log r. The ranks are
 * those of the 10,000 most frequent words in film subtitles; any other word has 1.
 */
export function generalIdfIn(language: string | null): Promise<GeneralIdf> {
  const words = language === null ? undefined : frequentWordsOf(language)
  if (language === null || words === undefined) return Promise.resolve(() => 1)
  const loading = cache.get(language) ?? load(language, words)
  cache.set(language, loading)
  return loading
}

async function load(language: string, words: ReadonlyMap<string, number>): Promise<GeneralIdf> {
  const stemmer = await stemmerFor(language)
  const ranks = new Map<string, number>()
  for (const word of words.keys()) {
    const stem = stemmer(word)
    if (stem !== '' && !ranks.has(stem)) ranks.set(stem, ranks.size + 1)
  }
  return (word) => idfOfRank(ranks.get(stemmer(word)))
}
