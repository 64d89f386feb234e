import { termHasher } from './bm25.ts'
import { frequentWordsOf } from './frequent-words.ts'
import { generalIdfIn } from './general-idf.ts'
import { detectQuestionLanguage } from './language.ts'
import { type Stemmer, stemmerFor } from './stem.ts'
import { stopWordsOf } from './stop-words.ts'
import { tokenize, unspaced } from './tokenize.ts'

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
  /** The general IDF of the word that a bigram is part of, or of the more frequent of the two words that it spans. */
  wordIdf: number
  /** Capitalized within the text: a name, or any noun in German. */
  isCapitalized: boolean
  /** A bigram of the last character of a word and the first of the next one. */
  spansWords: boolean
  /** Joined words that are terms too ("GPT-4o", "êtes-vous"). */
  isCompound: boolean
}

/** A word of a text as each stemmer returns it, by hash; equal words are the same object. */
export type StemmedWord = Map<number, string>

/** Stop words keep some weight, so that a query of stop words only ("to be or not to be") still finds passages. */
const stopWordWeight = 0.2
/** Limits the terms of one query; the stemmers of the most frequent languages come first. */
const maxLanguages = 6

/**
 * Only both ends of a longer text, such as a pasted document with a question before or after it, are analyzed. This
 * finds as much (docs/benchmarks.md) and blocks the event loop for less than 50 ms.
 */
const maxCharacters = 8_000

function endsOf(text: string): string {
  return text.length <= maxCharacters
    ? text
    : `${text.slice(0, maxCharacters / 2)}\n${text.slice(-maxCharacters / 2)}`
}

/**
 * Returns an analyzer that turns queries into terms, for an avee with documents in `languages` (ISO 639-3, the most
 * frequent first). Stop words and general IDF are those of the language of `question`, so that they are the same in every
 * library; those of `languages` if it is unknown.
 */
export async function queryAnalyzer(aveeId: string, languages: (string | null)[], question = '') {
  const known = languages.length === 0 ? [null] : languages.slice(0, maxLanguages)
  const hash = termHasher(aveeId)
  const stemmers = await Promise.all(known.map(stemmerFor))
  const asked = question === '' ? null : detectQuestionLanguage(question, known)
  const judging = asked !== null && frequentWordsOf(asked) ? [asked] : known
  const stopWords = judging.map(stopWordsOf)
  const generalIdfs = await Promise.all(judging.map(generalIdfIn))

  const plain = await stemmerFor(null)
  const stemmedWords = new Map<Stemmer | null, Map<string, StemmedWord>>()
  /** Returns the stems of a word by one stemmer, by default by each. */
  const stemmed = (word: string, stemmer: Stemmer | null = null): StemmedWord => {
    const words = stemmedWords.get(stemmer) ?? new Map<string, StemmedWord>()
    stemmedWords.set(stemmer, words)
    const cached = words.get(word)
    if (cached) return cached
    const stems = new Map(
      (stemmer ? [stemmer] : stemmers)
        .map((stem) => stem(word))
        .flatMap((stem) => (stem === '' ? [] : [[hash(stem), stem] as const])),
    )
    words.set(word, stems)
    return stems
  }
  const stemmerOf = new Map(known.map((language, i) => [language, stemmers[i] ?? plain]))
  const stemmerIn = (language: string | null | undefined): Stemmer | null => {
    if (language === undefined) return null
    const own = language ?? asked
    const isForeign = asked !== null && own !== asked && stemmerOf.has(asked)
    return isForeign ? plain : (stemmerOf.get(own) ?? null)
  }
  const generalIdfOf = (word: string): number => Math.min(...generalIdfs.map((idf) => idf(word)))

  return {
    /** The language of the question, null if unknown. */
    language: asked,
    hash,

    /** Returns the distinct terms of a text, or of its ends if it is long, in order. `weight` is the weight of terms that are not stop words. */
    terms(text: string, weight = 1): QueryTerm[] {
      const terms = new Map<string, QueryTerm>()
      const analyzed = endsOf(text)
      const bigrams = bigramsOfWords(analyzed)
      let isFirst = true
      for (const token of tokenize(analyzed)) {
        if (token.kind === 'character') continue
        const isCapitalized = !isFirst && /^\p{Lu}/u.test(token.text)
        isFirst = false
        const stems = stemmed(token.text)
        if (stems.size === 0) continue
        const isBigram = token.kind === 'bigram'
        const words = (isBigram ? bigrams.get(token.text) : undefined) ?? [token.text]
        const wordIdf = Math.min(...words.map(generalIdfOf))
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
          generalIdf: isBigram ? 1 : wordIdf,
          wordIdf,
          isCapitalized,
          spansWords: words.length > 1,
          isCompound: token.kind === 'compound',
        })
      }
      return [...terms.values()]
    },

    /**
     * Returns the words and bigrams of a text, in order. In a text of another `language` than that of the question only
     * equal words count, because equal stems of two languages are seldom the same word ("Mars" in German and "marées" in
     * French: "mar").
     */
    words(text: string, language?: string | null): StemmedWord[] {
      const stemmer = stemmerIn(language)
      return [...tokenize(text)].flatMap(({ text: word, kind }) =>
        kind === 'character' || kind === 'compound' ? [] : [stemmed(word, stemmer)],
      )
    },

    /** Returns the stems of a term in the texts of a language; all of them for a correction. */
    stemsIn({ text, stems }: QueryTerm, language?: string | null): StemmedWord {
      const isCorrection = [...stemmed(text).keys()].some((hash) => !stems.has(hash))
      return isCorrection ? stems : stemmed(text, stemmerIn(language))
    },
  }
}

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })

/** Returns the bigrams of a text in a script without spaces, with the one or two words that each belongs to. */
function bigramsOfWords(text: string): Map<string, string[]> {
  const bigrams = new Map<string, string[]>()
  if (!unspaced.test(text)) return bigrams
  let previous: { word: string; last: string } | undefined
  for (const { segment: word, isWordLike } of segmenter.segment(text.normalize('NFKC'))) {
    const [first = '', ...rest] = [...word]
    if (previous && isWordLike) {
      const bigram = previous.last + first
      bigrams.set(bigram, bigrams.get(bigram) ?? [previous.word, word])
    }
    let last = first
    for (const character of rest) {
      bigrams.set(last + character, [word])
      last = character
    }
    previous = isWordLike ? { word, last } : undefined
  }
  return bigrams
}

export type QueryAnalyzer = Awaited<ReturnType<typeof queryAnalyzer>>
