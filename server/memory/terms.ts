import { detectLanguage, queryAnalyzer, stemmerFor, stopWordsOf, tokenize } from '../search/index.ts'

/** A user and an avee. Terms are hashed with the pair, so that no posting list of the shared index mixes users. */
export type Pair = { aveeId: string; userId: string }

/** Analyzes queries against texts in these languages. */
export const pairAnalyzer = ({ aveeId, userId }: Pair, languages: (string | null)[]) =>
  queryAnalyzer(`${userId} ${aveeId}`, languages)

/** Counts the occurrences of each term, and the words of the text. */
export async function countTerms(
  pair: Pair,
  text: string,
  language: string | null,
): Promise<{ counts: Map<number, number>; length: number }> {
  const [stem, { hash }] = await Promise.all([stemmerFor(language), pairAnalyzer(pair, [language])])
  const counts = new Map<number, number>()
  let length = 0
  for (const word of tokenize(text)) {
    if (word.kind === 'character') continue
    if (word.kind === 'word') length += 1
    const form = stem(word.text)
    if (form === '') continue
    const term = hash(form)
    counts.set(term, (counts.get(term) ?? 0) + 1)
  }
  return { counts, length }
}

/** The terms under which a memory is indexed. */
export async function memoryTerms(
  pair: Pair,
  memory: { content: string; language: string | null },
): Promise<number[]> {
  return [...(await countTerms(pair, memory.content, memory.language)).counts.keys()]
}

export const countWords = (text: string): number =>
  [...tokenize(text)].filter((word) => word.kind === 'word').length

/** The words of a text without stop words, stemmed; pairs of characters in scripts without spaces. */
export async function stemmedWords(text: string, language: string | null): Promise<string[]> {
  const stem = await stemmerFor(language)
  const stopWords = stopWordsOf(language)
  return [...tokenize(text)]
    .filter(
      ({ kind, text: word }) => (kind === 'word' || kind === 'bigram') && !stopWords.has(word.toLowerCase()),
    )
    .map((word) => stem(word.text))
    .filter((form) => form !== '')
}

/** Detects the language of a text; a text that is too short gets the language of its context or the default. */
export const languageAmong = (
  text: string,
  surroundings: string[],
  usual: string | null = null,
): string | null =>
  detectLanguage(text, () => detectLanguage([text, ...surroundings].join('\n').slice(0, 4_000), () => usual))
