import type { Stemmer } from './stem.ts'
import { type Token, tokenize } from './tokenize.ts'
import { sparseDimensions, sparseVectorLiteral } from './vector-literals.ts'

/**
 * BM25 as an inner product of sparse vectors. A document's vector contains the saturated, length-normalized term
 * frequencies; a query's vector contains the IDF of its terms. No document is rewritten when the collection grows,
 * which is why the average length is a constant instead of the collection's own.
 *
 * k1 and b: the usual values of Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), section 3.
 */
const k1 = 1.2
const b = 0.75
/** Average lengths in words: of a passage with its title and headings, and of the section around it. */
const averagePassageLength = 100
const averageSectionLength = 200
const titleWeight = 2
/** A `sparsevec` holds at most 16,000 elements. Passages of the usual size have about 100 terms. */
const maxTerms = 4_000

/** The names of a document, which are indexed with each of its passages. */
export type DocumentNames = { title: string; filename: string | null }

/** The terms of a text by their hash, and its vector in pgvector's text form. */
export type TermVector = { terms: Map<number, string>; vector: string }

/**
 * Returns the hash function of an avee: 1 to `sparseDimensions`, by 32-bit FNV-1a with MurmurHash3's finalizer. The
 * avee's id is part of the hash, so that the posting lists in the shared index hold one avee's passages only.
 */
export function termHasher(aveeId: string): (term: string) => number {
  const seed = fnv1a(0x811c9dc5, aveeId)
  return (term) => {
    let hash = fnv1a(seed, term)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return (((hash ^ (hash >>> 16)) >>> 0) % sparseDimensions) + 1
  }
}

function fnv1a(seed: number, text: string): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

/** Returns the length of a token in words. A Chinese word has about 1.7 characters, a Thai word three to four; a run of n characters makes n − 1 bigrams. */
function lengthInWords({ kind, text }: Token): number {
  if (kind === 'word') return 1
  return kind === 'bigram' ? (cjk.test(text) ? 0.6 : 0.3) : 0
}
const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u
/** A cell of a table with numbers only. Such cells add no length, so that tables of numbers do not rank as long texts. */
const numericCell = /\t[^\t\n\p{L}]*\p{Nd}[^\t\n\p{L}]*/gu
/** The first characters of a page, usually its title. */
const pageTitleCharacters = 200
const pageTitleOf = (text: string) => text.slice(0, pageTitleCharacters)
/**
 * The weight of single characters: makes them searchable without affecting the rank of texts that contain the bigram.
 */
const characterWeight = 0.01

/** The number of cached texts; the passages of a section follow soon after it. */
const maxCountedTexts = 64

/** Counts terms and words of texts that together are one BM25 document. */
function termCounter(stem: Stemmer) {
  const counts = new Map<string, number>()
  let length = 0
  return {
    counts,
    length: () => length,
    add(text: string, weight: number) {
      for (const token of tokenize(text)) {
        const term = stem(token.text)
        if (term === '') continue
        counts.set(term, (counts.get(term) ?? 0) + (token.kind === 'character' ? characterWeight : weight))
        length += weight * lengthInWords(token)
      }
      length -= weight * (text.match(numericCell)?.length ?? 0)
    },
    merge(other: { counts: Map<string, number>; length(): number }) {
      for (const [term, count] of other.counts) counts.set(term, (counts.get(term) ?? 0) + count)
      length += other.length()
    },
  }
}

/** Builds the BM25 vectors of a document's passages and sections. */
export function bm25Vectorizer(aveeId: string, names: DocumentNames, stem: Stemmer) {
  const hash = termHasher(aveeId)
  const nameTerms = termCounter(stem)
  nameTerms.add(names.title, titleWeight)
  const basename = names.filename?.replace(/\.[^.]{1,12}$/u, '') ?? ''
  if (basename !== '' && basename !== names.title) nameTerms.add(basename, 1)

  const counted = new Map<string, ReturnType<typeof termCounter>>()
  /** Counts the terms of the text of a passage, which is part of two vectors. */
  function countText(text: string) {
    const known = counted.get(text)
    if (known) return known
    const counter = termCounter(stem)
    counter.add(text, 1)
    if (counted.size === maxCountedTexts) counted.clear()
    counted.set(text, counter)
    return counter
  }

  function toVector({ counts, length }: ReturnType<typeof termCounter>, averageLength: number): TermVector {
    const saturation = k1 * (1 - b + (b * Math.max(0, length())) / averageLength)
    const terms = new Map<number, string>()
    const values = new Map<number, number>()
    for (const [term, count] of counts) {
      if (terms.size === maxTerms) break
      const index = hash(term)
      if (!terms.has(index)) terms.set(index, term)
      values.set(index, (values.get(index) ?? 0) + (count * (k1 + 1)) / (count + saturation))
    }
    return { terms, vector: sparseVectorLiteral(values) }
  }

  /** The outermost heading is often the document's title, which is already counted. */
  const withoutTitle = (heading: string | null): string =>
    (heading?.split(' › ') ?? []).filter((part) => part !== names.title).join(' ')

  return {
    /**
     * Returns the vector of a passage: the document's names, the headings above the passage and its text. The rows of a
     * table are also found by the title of their page, such as the name of a financial statement, which adds no length.
     *
     * @param pageStart the first passage of the same page, if it is another one
     */
    passage(heading: string | null, text: string, pageStart = ''): TermVector {
      const counter = termCounter(stem)
      counter.merge(nameTerms)
      counter.add(withoutTitle(heading), 1)
      counter.merge(countText(text))
      if (text.includes('\t')) {
        const title = termCounter(stem)
        title.add(pageTitleOf(pageStart).split('\t', 1)[0] ?? '', 1)
        counter.merge({ counts: title.counts, length: () => 0 })
      }
      return toVector(counter, averagePassageLength)
    },

    /**
     * Returns the vector of a section, which is the context of its passages, in pgvector's text form. The title of a page
     * counts twice.
     */
    section(passages: { page: number | null; heading: string | null; text: string }[]): string {
      const counter = termCounter(stem)
      counter.merge(nameTerms)
      for (const heading of new Set(passages.map((passage) => withoutTitle(passage.heading))))
        counter.add(heading, 1)
      for (const { text } of passages) counter.merge(countText(text))
      const [first] = passages
      if (first && first.page !== null) counter.add(pageTitleOf(first.text), 1)
      return toVector(counter, averageSectionLength).vector
    },
  }
}

/** The limit of a term's BM25 weight as its frequency grows, before IDF. */
export const maxTermScore = k1 + 1

/** Returns the inverse document frequency in the variant that is never negative (Lucene's BM25Similarity). */
export const idf = (documentFrequency: number, documents: number): number => {
  const df = Math.min(documentFrequency, documents)
  return Math.log(1 + (documents - df + 0.5) / (df + 0.5))
}
