import { termHasher } from './bm25.ts'
import { generalIdfIn } from './general-idf.ts'
import { stemmerFor } from './stem.ts'
import { stopWordsOf } from './stop-words.ts'
import { tokenize } from './tokenize.ts'

/**
 * A term of a query. Documents of several languages are stemmed by several stemmers, so a term has a stem for each,
 * by hash; together they count as one term.
 */
export type QueryTerm = {
  text: string
  stems: Map<number, string>
  weight: number
  isStopWord: boolean
  /** IDF in the language as a whole, 0 to 1; 1 for bigrams. */
  generalIdf: number
}

/** Stop words keep some weight, so that a query of nothing else ("to be or not to be") still finds its passages. */
const stopWordWeight = 0.2
/** Limits the terms of one query; the stemmers of the most frequent languages come first. */
const maxLanguages = 6

/**
 * Of a longer text, such as a pasted document with a question before or after it, both ends are analyzed, which finds as
 * much (docs/benchmarks.md) and blocks the event loop for less than 50 ms.
 */
const maxCharacters = 8_000

function endsOf(text: string): string {
  return text.length <= maxCharacters
    ? text
    : `${text.slice(0, maxCharacters / 2)}\n${text.slice(-maxCharacters / 2)}`
}

/** Returns an analyzer that turns queries into terms, for an avee with documents in `languages` (ISO 639-3, the most frequent first). */
export async function queryAnalyzer(aveeId: string, languages: (string | null)[]) {
  const known = languages.length === 0 ? [null] : languages.slice(0, maxLanguages)
  const hash = termHasher(aveeId)
  const stemmers = await Promise.all(known.map(stemmerFor))
  const stopWords = known.map(stopWordsOf)
  const generalIdfs = await Promise.all(known.map(generalIdfIn))

  return {
    hash,

    /** Returns the distinct terms of a text, or of its ends if it is long, in order. `weight` is the weight of terms that are not stop words. */
    terms(text: string, weight = 1): QueryTerm[] {
      const terms = new Map<string, QueryTerm>()
      for (const token of tokenize(endsOf(text))) {
        if (token.kind === 'character') continue
        const stems = new Map<number, string>()
        let generalIdf = 1
        for (const [i, stemmer] of stemmers.entries()) {
          const stem = stemmer(token.text)
          if (stem === '') continue
          stems.set(hash(stem), stem)
          if (token.kind !== 'bigram') generalIdf = Math.min(generalIdf, generalIdfs[i]?.(stem) ?? 1)
        }
        if (stems.size === 0) continue
        const lower = token.text.toLowerCase()
        const isStopWord = stopWords.some((set) => set.has(lower))
        const key = [...stems.keys()].sort((a, b) => a - b).join()
        const earlier = terms.get(key)
        if (earlier && !earlier.isStopWord) continue
        terms.set(key, {
          text: lower,
          stems,
          weight: weight * (isStopWord ? stopWordWeight : 1),
          isStopWord,
          generalIdf,
        })
      }
      return [...terms.values()]
    },

    /** Returns the hashes of the stems of each word and bigram of a text, in order. */
    hashes(text: string): number[][] {
      const hashes: number[][] = []
      for (const { text: word, kind } of tokenize(text)) {
        if (kind === 'character' || kind === 'compound') continue
        hashes.push(stemmers.map((stemmer) => hash(stemmer(word))))
      }
      return hashes
    },
  }
}

export type QueryAnalyzer = Awaited<ReturnType<typeof queryAnalyzer>>
