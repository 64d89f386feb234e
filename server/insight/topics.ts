import { stemmerFor, stopWordsOf } from '../search/index.ts'

/** A topic of a turn: a phrase as it was written; `key` contains its stems, by which topics are compared. */
export type Topic = { key: string; text: string; weight: number }

const maxPhraseWords = 3
const maxTopicsPerTurn = 4

/** Words that answers use to refer to their sources. */
const sourceWords =
  /^(?:documents?|passages?|sources?|dokumente?n?|unterlagen|quellen?|documentos?|documenti|文[档檔書]|资料)$/iu

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })
/** Scripts without spaces between words. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

export type TopicSource = { question: string; answer: string; headings: string[] }
type Phrase = { text: string; stems: string[] }

const isCapitalized = (word = ''): boolean => /^\p{Lu}/u.test(word)
/** Whether a phrase that begins or ends at `at` would split a name, such as "Analytical Engine". */
function dividesName(run: string[], at: number): boolean {
  if (!isCapitalized(run[at - 1]) || !isCapitalized(run[at])) return false
  let [from, to] = [at - 1, at + 1]
  while (to - from <= maxPhraseWords && isCapitalized(run[from - 1])) from -= 1
  while (to - from <= maxPhraseWords && isCapitalized(run[to])) to += 1
  return to - from <= maxPhraseWords
}

/**
 * Extracts candidate key phrases from texts in one language: up to three consecutive content words; names are not
 * split.
 */
export async function phraseExtractor(language: string | null) {
  const stem = await stemmerFor(language)
  const stopWords = stopWordsOf(language ?? 'eng')

  function isContentWord(word: string): boolean {
    if (stopWords.has(word.toLowerCase()) || /^\p{Nd}/u.test(word) || sourceWords.test(word)) return false
    return [...word].length > (unspaced.test(word) ? 1 : 2)
  }

  /** Splits a text at stop words and punctuation, as RAKE does (Rose et al. 2010). */
  function runsOf(text: string): string[][] {
    const runs: string[][] = [[]]
    for (const { segment, isWordLike } of segmenter.segment(text)) {
      const isSeparator = isWordLike ? !isContentWord(segment) : segment.trim() !== '' && segment !== '-'
      if (isSeparator) runs.push([])
      else if (isWordLike) runs.at(-1)?.push(segment)
    }
    return runs
  }

  return (text: string): Phrase[] =>
    runsOf(text).flatMap((run) =>
      run.flatMap((first, from) =>
        Array.from({ length: Math.min(maxPhraseWords, run.length - from) }, (_, more) => from + more + 1)
          .filter((to) => !dividesName(run, from) && !dividesName(run, to))
          .map((to) => {
            const words = run.slice(from, to)
            return { text: words.join(unspaced.test(first) ? '' : ' '), stems: words.map(stem) }
          }),
      ),
    )
}
export type PhraseExtractor = Awaited<ReturnType<typeof phraseExtractor>>

/**
 * Returns the key phrases of a turn, the most important first, weighted by TF-IDF: tf · Σ idf / √n for a phrase
 * of n words that occurs tf times in question, answer and cited headings. Because of √n, the length of the phrase's
 * vector, a phrase of rare words ranks above its parts, and a phrase with a common word below them. If one phrase
 * contains another, the one with the higher weight is kept. Phrases of the answer that the question does not contain
 * are topics if a cited heading contains them or if they are names.
 */
export function rankTopics(
  source: TopicSource,
  phrasesOf: PhraseExtractor,
  idfOf: (stem: string) => number,
): Topic[] {
  const byKey = Map.groupBy(allPhrases(source, phrasesOf), keyOf)
  const keysOf = (text: string) => new Set(phrasesOf(text).map(keyOf))
  const [asked, answered] = [keysOf(source.question), keysOf(plainText(source.answer))]
  const headed = keysOf(source.headings.join('\n'))
  const isTopic = (key: string, text: string): boolean =>
    asked.has(key) || (answered.has(key) && (headed.has(key) || isName(text)))
  const weighted = [...byKey].flatMap(([key, occurrences]) => {
    const text = occurrences[0]?.text ?? key
    if (!isTopic(key, text)) return []
    const stems = key.split(' ')
    const idfSum = stems.reduce((sum, stem) => sum + idfOf(stem), 0)
    const weight = (occurrences.length * idfSum) / Math.sqrt(stems.length)
    return [{ key, text, weight }]
  })
  return withoutNested(weighted, maxTopicsPerTurn)
}

/** The stems whose IDF `rankTopics` needs. */
export const stemsOfPhrases = (source: TopicSource, phrasesOf: PhraseExtractor): string[] =>
  allPhrases(source, phrasesOf).flatMap(({ stems }) => stems)

/** Merges the topics of several turns, at most `limit`; weights of equal topics add up. */
export function mergeTopics(turns: Topic[][], limit: number): Topic[] {
  const merged = [...Map.groupBy(turns.flat(), ({ key }) => key).values()].flatMap((equal) =>
    equal[0] ? [{ ...equal[0], weight: equal.reduce((sum, { weight }) => sum + weight, 0) }] : [],
  )
  return withoutNested(merged, limit)
}

const keyOf = ({ stems }: Phrase): string => stems.join(' ')

/** Whether a phrase is two or more capitalized words. */
const isName = (text: string): boolean => /^\p{Lu}\S* \p{Lu}\S*(?: \p{Lu}\S*)?$/u.test(text)

const allPhrases = ({ question, answer, headings }: TopicSource, phrasesOf: PhraseExtractor): Phrase[] =>
  [question, plainText(answer), ...new Set(headings)].flatMap((text) => phrasesOf(text))

/** Returns the topics with the highest weights, without those that contain a kept one or are contained in it. */
function withoutNested(topics: Topic[], limit: number): Topic[] {
  const kept: { topic: Topic; stems: Set<string> }[] = []
  for (const topic of topics.toSorted((a, b) => b.weight - a.weight)) {
    if (kept.length === limit) break
    const stems = new Set(topic.key.split(' '))
    if (!kept.some((other) => stems.isSubsetOf(other.stems) || other.stems.isSubsetOf(stems)))
      kept.push({ topic, stems })
  }
  return kept.map(({ topic }) => topic)
}

/** Removes code, links and citation markers. */
const plainText = (answer: string): string =>
  answer
    .replaceAll(/```[\s\S]*?(?:```|$)/g, '\n')
    .replaceAll(/https?:\/\/\S+/g, ' ')
    .replaceAll(/\[\d{1,3}(?:[,;]\s?\d{1,3}){0,20}\]/g, ' . ')
