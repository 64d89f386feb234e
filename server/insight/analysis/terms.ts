import { detectLanguage, stemmerFor, stopWordsOf, tokenize } from '../../search/index.ts'

/** A word that says something: in the form in which words are compared, and as it was written. */
export type ContentTerm = { form: string; text: string; isFigure: boolean; isName: boolean }

/** Reads texts of one language as search does: stemmed, without the words that only hold a sentence together. */
export type TermReader = {
  readonly language: string | null
  contentOf(text: string): ContentTerm[]
  formsOf(text: string): Set<string>
}

const figure = /\p{Nd}/u
/** In German every noun is written like a name. */
const capitalNouns = new Set(['deu'])

/** @param language ISO 639-3, see `detectLanguage`; null compares letters only */
export async function termReader(language: string | null): Promise<TermReader> {
  const normalise = await stemmerFor(language)
  const functionWords = stopWordsOf(language ?? 'eng')

  function contentOf(text: string): ContentTerm[] {
    const words: ContentTerm[] = []
    let isFirst = true
    for (const { text: word, kind } of tokenize(text)) {
      if (kind !== 'word' && kind !== 'bigram') continue
      const isInside = !isFirst
      isFirst = false
      if (functionWords.has(word.toLowerCase())) continue
      const form = normalise(word)
      if (form === '') continue
      const isFigure = figure.test(word)
      const isName = !isFigure && isInside && /^\p{Lu}/u.test(word) && !capitalNouns.has(language ?? '')
      words.push({ form, text: word, isFigure, isName })
    }
    return words
  }
  return { language, contentOf, formsOf: (text) => new Set(contentOf(text).map(({ form }) => form)) }
}

/** Letter statistics are sure of a language from about this many characters on. */
const sureLength = 250

/**
 * The language of a text, which may be a sentence. Letters alone mistake short texts for a neighbouring language, so for
 * those the language that has most of their function words is taken: among what the letters say, English, and what
 * stands around them (the passages, the other half of the turn).
 */
export function languageOf(text: string, ...around: (string | null)[]): string | null {
  const byLetters = detectLanguage(text)
  if (text.length >= sureLength) return byLetters
  const words = [...tokenize(text)].flatMap(({ text: word, kind }) =>
    kind === 'word' ? [word.toLowerCase()] : [],
  )
  let best = { language: byLetters, count: 0 }
  for (const language of new Set([byLetters, ...around, 'eng'])) {
    const functionWords = stopWordsOf(language)
    const count = words.filter((word) => functionWords.has(word)).length
    if (count > best.count) best = { language, count }
  }
  return best.language
}

/** How much a word counts, by its form. */
export type Weigh = (form: string) => number

/** How alike two sets are: what they share against what they hold together, 0 … 1. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return 0
  let shared = 0
  for (const each of a) if (b.has(each)) shared += 1
  return shared / (a.size + b.size - shared)
}
