import type { Normalise } from './stem.ts'
import { tokenize, type Word } from './tokenize.ts'

/**
 * BM25 in a vector: a text's vector holds the part that depends on the text (how often a word stands in it, against
 * its length), a question's vector the part that depends on the collection (how rare the word is). Their inner product
 * is the score, and no text is rewritten when the collection grows: that is why the usual length is a constant.
 */
const k1 = 1.2
const b = 0.75
/** Usual lengths in words: of a passage with its title and headings, and of the section around it. */
const usualPassage = 100
const usualSection = 200
const titleWeight = 2
/** Dimensions of the vectors; hashes are 1 … this. */
export const dimensions = 1_000_000_000
/** What a sparsevec holds at most is 16,000; a passage of ordinary length has about 100. */
const mostWords = 4_000

/** What can be found of a document by words besides its text. */
export type Naming = { title: string; filename: string | null }

/** A text ready to be stored: its words by their hash, and its vector in pgvector's text form. */
export type Weighed = { words: Map<number, string>; vector: string }

/**
 * The hash of a word within an avee: equal words of two avees differ, so that the lists of one avee in the shared
 * index are as short as if it were alone. 32-bit FNV-1a with a final mix, taken into 1 … 10⁹.
 */
export function termHasher(aveeId: string): (word: string) => number {
  const seed = fnv(0x811c9dc5, aveeId)
  return (word) => {
    let hash = fnv(seed, word)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return (((hash ^ (hash >>> 16)) >>> 0) % dimensions) + 1
  }
}

/** What a word adds to the length of a text: pairs overlap, and words of unspaced scripts have two letters or more. */
function lengthOf({ kind, text }: Word): number {
  if (kind === 'part') return 1
  return kind === 'pair' ? (shortWords.test(text) ? 0.6 : 0.3) : 0
}
const shortWords = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u

function fnv(seed: number, text: string): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

/** Counts the words of a document's passages and sections. */
export function bm25Weigher(aveeId: string, naming: Naming, normalise: Normalise) {
  const hash = termHasher(aveeId)
  const named = bag()
  named.add(naming.title, titleWeight)
  const stem = naming.filename?.replace(/\.[^.]{1,12}$/u, '') ?? ''
  if (stem !== '' && stem !== naming.title) named.add(stem, 1)

  function bag() {
    const counts = new Map<string, number>()
    let length = 0
    return {
      counts,
      length: () => length,
      add(text: string, weight: number) {
        for (const word of tokenize(text)) {
          const form = normalise(word.text)
          if (form === '') continue
          counts.set(form, (counts.get(form) ?? 0) + (word.kind === 'letter' ? 0.01 : weight))
          length += weight * lengthOf(word)
        }
      },
      join(other: { counts: Map<string, number>; length(): number }) {
        for (const [form, count] of other.counts) counts.set(form, (counts.get(form) ?? 0) + count)
        length += other.length()
      },
    }
  }

  function weighed(counts: Map<string, number>, length: number, usual: number): Weighed {
    const saturation = k1 * (1 - b + (b * length) / usual)
    const words = new Map<number, string>()
    const values = new Map<number, number>()
    for (const [form, count] of counts) {
      if (words.size === mostWords) break
      const term = hash(form)
      if (!words.has(term)) words.set(term, form)
      values.set(term, (values.get(term) ?? 0) + (count * (k1 + 1)) / (count + saturation))
    }
    return { words, vector: sparseVector(values) }
  }

  /** The headings above a passage; the outermost is often the document's title, which is counted already. */
  const besidesTitle = (heading: string | null): string =>
    heading === null
      ? ''
      : heading
          .split(' › ')
          .filter((part) => part !== naming.title)
          .join(' ')

  return {
    /** A passage: the document's names, the headings above it and its own text. */
    passage(heading: string | null, text: string): Weighed {
      const all = bag()
      all.join(named)
      all.add(besidesTitle(heading), 1)
      all.add(text, 1)
      return weighed(all.counts, all.length(), usualPassage)
    },

    /** What stands around a passage: all passages of its section as one text. */
    section(passages: { heading: string | null; text: string }[]): string {
      const all = bag()
      all.join(named)
      for (const heading of new Set(passages.map((passage) => besidesTitle(passage.heading))))
        all.add(heading, 1)
      for (const { text } of passages) all.add(text, 1)
      return weighed(all.counts, all.length(), usualSection).vector
    },
  }
}

/** pgvector's text form, `{index:value,…}/dimensions`. */
export function sparseVector(values: Map<number, number>): string {
  const entries = [...values].sort(([a], [b]) => a - b).map(([term, value]) => `${term}:${+value.toFixed(4)}`)
  return `{${entries.join(',')}}/${dimensions}`
}

/** The values of a vector in text form. */
export function parseSparseVector(text: string): Map<number, number> {
  const values = new Map<number, number>()
  for (const entry of text.slice(1, text.lastIndexOf('}')).split(',')) {
    const [term, value] = entry.split(':')
    if (value !== undefined) values.set(Number(term), Number(value))
  }
  return values
}

/** The most that one occurrence-saturated word can count for: where scores end. */
export const maxTermScore = k1 + 1

/** How much a word says: the less, the more of the passages hold it. */
export const idf = (holding: number, passages: number): number => {
  const df = Math.min(holding, passages)
  return Math.log(1 + (passages - df + 0.5) / (df + 0.5))
}
