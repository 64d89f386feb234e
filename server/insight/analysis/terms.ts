import { detectLanguage, stemmerFor, stopWordsOf, tokenize } from '../../search/index.ts'

/** A content word of a text: its stem and the word as written. */
export type Term = { stem: string; text: string; isNumber: boolean }

/** Extracts the content words of texts in one language, stemmed as in the search index. */
export type TermExtractor = {
  readonly language: string | null
  termsOf(text: string): Term[]
  stemsOf(text: string): Set<string>
}

/** @param language ISO 639-3, see `detectLanguage`; null compares words without stemming */
export async function termExtractor(language: string | null): Promise<TermExtractor> {
  const stem = await stemmerFor(language)
  const stopWords = stopWordsOf(language ?? 'eng')

  function termsOf(text: string): Term[] {
    return [...tokenize(text)].flatMap(({ text: word, kind }) => {
      if ((kind !== 'word' && kind !== 'bigram') || stopWords.has(word.toLowerCase())) return []
      const stemmed = stem(word)
      return stemmed === '' ? [] : [{ stem: stemmed, text: word, isNumber: /\p{Nd}/u.test(word) }]
    })
  }
  return { language, termsOf, stemsOf: (text) => new Set(termsOf(text).map((term) => term.stem)) }
}

/**
 * Returns the language of a text that may be a single sentence: letter statistics confuse short texts in related
 * languages, so the language with the most stop words in the text is selected from `detected`, the result of the
 * statistics, English, and `candidates`, the languages of related texts.
 */
export function languageOf(
  text: string,
  candidates: (string | null)[] = [],
  detected = detectLanguage(text),
): string | null {
  const words = [...tokenize(text)].flatMap(({ text: word, kind }) =>
    kind === 'word' ? [word.toLowerCase()] : [],
  )
  let best = { language: detected, stopWords: 0 }
  for (const language of new Set([detected, ...candidates, 'eng'])) {
    const listed = stopWordsOf(language)
    const stopWords = words.filter((word) => listed.has(word)).length
    if (stopWords > best.stopWords) best = { language, stopWords }
  }
  return best.language
}

/** Returns the Jaccard similarity of two sets, |a ∩ b| / |a ∪ b|; 0 when one is empty. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = a.intersection(b).size
  return shared === 0 ? 0 : shared / (a.size + b.size - shared)
}
