import { functionWordsOf, languageOf, normaliserFor, wordsOf } from '../../knowledge/index.ts'

/** A word that says something: in the form in which words are compared, and as it was written. */
export type ContentWord = { form: string; text: string; isFigure: boolean; isName: boolean }

/** Reads texts of one language as search does: stemmed, without the words that only hold a sentence together. */
export type WordReader = {
  readonly language: string | null
  contentOf(text: string): ContentWord[]
  formsOf(text: string): Set<string>
}

const figure = /\p{Nd}/u
/** In German every noun is written like a name. */
const capitalNouns = new Set(['deu'])

/** @param language ISO 639-3, see `languageOf`; null compares letters only */
export async function wordReader(language: string | null): Promise<WordReader> {
  const normalise = await normaliserFor(language)
  const functionWords = functionWordsOf(language ?? 'eng')

  function contentOf(text: string): ContentWord[] {
    const words: ContentWord[] = []
    let isFirst = true
    for (const { text: word, kind } of wordsOf(text)) {
      if (kind !== 'part' && kind !== 'pair') continue
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

/** The language that texts are in: of the first that is long enough to tell, else of all together. */
export function commonLanguage(...texts: string[]): string | null {
  for (const text of texts) {
    const language = languageOf(text)
    if (language !== null) return language
  }
  return languageOf(texts.join('\n'))
}

/** How much a word counts, by its form. */
export type Weigh = (form: string) => number

/** How alike two sets are: what they share against what they hold together, 0 … 1. */
export function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return 0
  let shared = 0
  for (const each of a) if (b.has(each)) shared += 1
  return shared / (a.size + b.size - shared)
}
