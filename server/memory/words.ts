import { detectLanguage, queryAnalyzer, stemmerFor, stopWordsOf, tokenize } from '../search/index.ts'
import { wordsAskedFor } from './rules/attribute-words.ts'

/** Whose memories: words are hashed with it, so that one person's lists in a shared index hold no other's rows. */
export type Pair = { aveeId: string; userId: string }

const seedOf = ({ aveeId, userId }: Pair): string => `${userId} ${aveeId}`

/** Turns questions into terms, over texts in these languages. */
export const questionsOf = (pair: Pair, languages: (string | null)[]) =>
  queryAnalyzer(seedOf(pair), languages)

/** How often each word stands in a text, by the word's hash, and how many words it has. */
export async function countWords(
  pair: Pair,
  text: string,
  language: string | null,
): Promise<{ counts: Map<number, number>; length: number }> {
  const [normalise, { hash }] = await Promise.all([stemmerFor(language), questionsOf(pair, [language])])
  const counts = new Map<number, number>()
  let length = 0
  for (const word of tokenize(text)) {
    if (word.kind === 'character') continue
    if (word.kind === 'word') length += 1
    const form = normalise(word.text)
    if (form === '') continue
    const term = hash(form)
    counts.set(term, (counts.get(term) ?? 0) + 1)
  }
  return { counts, length }
}

/** The words by which a memory is found: its own, and those by which its slot is asked for. */
export async function memoryTerms(
  pair: Pair,
  memory: { content: string; attribute: string; language: string | null },
): Promise<number[]> {
  const [own, asked] = await Promise.all([
    countWords(pair, memory.content, memory.language),
    countWords(pair, wordsAskedFor(memory.attribute, memory.language), memory.language ?? 'eng'),
  ])
  return [...new Set([...own.counts.keys(), ...asked.counts.keys()])]
}

/** Words of a text as they count against a prompt. */
export const wordsIn = (text: string): number =>
  [...tokenize(text)].filter((word) => word.kind === 'word').length

/** The words of a text that say something, in the form in which they are compared. */
export async function formsOf(text: string, language: string | null): Promise<string[]> {
  const normalise = await stemmerFor(language)
  const functionWords = stopWordsOf(language)
  return [...tokenize(text)]
    .filter((word) => word.kind === 'word' && !functionWords.has(word.text.toLowerCase()))
    .map((word) => normalise(word.text))
    .filter((form) => form !== '')
}

/** The language of a text, or where it is too short to tell, that of what stands around it. */
export const languageAmid = (text: string, around: string[]): string | null =>
  detectLanguage(text) ?? detectLanguage([text, ...around].join('\n').slice(0, 4_000))
