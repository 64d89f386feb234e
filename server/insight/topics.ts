import { stemmerFor, stopWordsOf } from '../search/index.ts'
import { jaccard, type Weigh } from './analysis/terms.ts'

/** What a turn is about: a phrase as it was written, and its words as they are compared. */
export type Topic = { key: string; text: string; weight: number }

const longestPhrase = 3
const keptOfTurn = 8
/** A phrase of several words says more than each of them. */
const phraseBonus = 1.25
/** What stands in a title or a heading is what a text is about. */
const headingBonus = 1.5
const questionWeight = 2
/** What is asked and answered is what a turn is about. */
const bothBonus = 1.5
/** A single word that comes once and is no name is seldom what a turn is about. */
const passingWord = 0.5
/** Among words that come as often, the longer says more: up to so many letters. */
const longWord = 12
/** What answers say of where they look, not of the matter. */
const aboutSources =
  /^(?:documents?|passages?|sources?|dokumente?n?|unterlagen|quellen?|documentos?|documenti|文[档檔書]|资料)$/iu

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

export type TopicSource = { question: string; answer: string; headings: string[] }

/** Reads phrases out of texts of one language. */
export async function phraseReader(language: string | null) {
  const normalise = await stemmerFor(language)
  const functionWords = stopWordsOf(language ?? 'eng')

  const says = (word: string) => {
    const lower = word.toLowerCase()
    if (functionWords.has(lower) || /^\p{Nd}/u.test(word) || aboutSources.test(word)) return false
    return unspaced.test(word) ? [...word].length > 1 : [...word].length > 2
  }

  /** Words in a row that all say something, cut at function words and punctuation: the candidates for key phrases. */
  function runsOf(text: string): string[][] {
    const runs: string[][] = []
    let open: string[] = []
    const close = () => {
      if (open.length > 0) runs.push(open)
      open = []
    }
    for (const { segment, isWordLike } of segmenter.segment(text)) {
      if (!isWordLike) {
        if (segment.trim() !== '' && segment !== '-') close()
      } else if (says(segment)) open.push(segment)
      else close()
    }
    close()
    return runs
  }

  return {
    formOf: (word: string) => normalise(word),

    /** Every run of one to three words within them, with how often it stands there. */
    phrasesOf(text: string): { words: string[]; forms: string[] }[] {
      return runsOf(text).flatMap((run) =>
        run.flatMap((_, from) =>
          Array.from({ length: Math.min(longestPhrase, run.length - from) }, (__, more) => {
            const words = run.slice(from, from + more + 1)
            return { words, forms: words.map(normalise) }
          }),
        ),
      )
    },
  }
}
export type PhraseReader = Awaited<ReturnType<typeof phraseReader>>

/**
 * The key phrases of a turn, the weightiest first, without a model.
 *
 * A phrase's weight is the geometric mean of its words' idf among the avee's passages, times the square root of how often it
 * stands in the turn (twice as much in the question), times 1.25 for several words, 1.5 for what stands in a cited title
 * or heading and 1.5 for what both question and answer say; a single word that comes once and is no name counts half,
 * and long words a little more.
 * Of phrases that share most of their words the weightiest is kept.
 */
export function topicsOf(source: TopicSource, reader: PhraseReader, weigh: Weigh): Topic[] {
  type Entry = {
    texts: Map<string, number>
    forms: string[]
    times: number
    places: Set<'question' | 'answer'>
  }
  const seen = new Map<string, Entry>()
  const read = (text: string, place: 'question' | 'answer', weight: number) => {
    for (const { words, forms } of reader.phrasesOf(text)) {
      const key = forms.join(' ')
      const entry: Entry = seen.get(key) ?? { texts: new Map(), forms, times: 0, places: new Set() }
      entry.times += weight
      entry.places.add(place)
      const written = words.join(unspaced.test(words[0] ?? '') ? '' : ' ')
      entry.texts.set(written, (entry.texts.get(written) ?? 0) + weight)
      seen.set(key, entry)
    }
  }
  read(source.question, 'question', questionWeight)
  read(plain(source.answer), 'answer', 1)
  const inHeadings = new Set(
    source.headings.flatMap((heading) => reader.phrasesOf(heading).map(({ forms }) => forms.join(' '))),
  )

  const weighed = [...seen].map(([key, { texts, forms, times, places }]) => {
    const idf = forms.reduce((product, form) => product * weigh(form), 1) ** (1 / forms.length)
    const [text = key] = [...texts].toSorted(([, a], [, b]) => b - a).map(([written]) => written)
    const isInHeading = inHeadings.has(key)
    const isPassing =
      forms.length === 1 &&
      times <= questionWeight &&
      places.size === 1 &&
      !isInHeading &&
      !/^\p{Lu}/u.test(text)
    const weight =
      idf *
      Math.sqrt(times) *
      (forms.length > 1 ? phraseBonus : 1) *
      (isInHeading ? headingBonus : 1) *
      (places.size > 1 ? bothBonus : 1) *
      (isPassing ? passingWord : 1) *
      (1 + Math.min(text.length, longWord) / 40)
    return { key, text, weight, forms: new Set(forms) }
  })
  const kept: typeof weighed = []
  for (const phrase of weighed.toSorted((a, b) => b.weight - a.weight || b.forms.size - a.forms.size)) {
    if (kept.length === keptOfTurn) break
    if (!kept.some((other) => overlaps(other.forms, phrase.forms))) kept.push(phrase)
  }
  return kept.map(({ key, text, weight }) => ({ key, text, weight }))
}

/** The forms whose idf `topicsOf` asks for. */
export const formsOfTopics = (source: TopicSource, reader: PhraseReader): string[] =>
  [source.question, plain(source.answer)].flatMap((text) =>
    reader.phrasesOf(text).flatMap(({ forms }) => forms),
  )

/** The topics of several turns together, at most `limit`: what comes up again counts again. */
export function joinTopics(turns: Topic[][], limit: number): Topic[] {
  const sums = new Map<string, Topic>()
  for (const topics of turns)
    for (const topic of topics) {
      const before = sums.get(topic.key)
      sums.set(topic.key, before ? { ...before, weight: before.weight + topic.weight } : topic)
    }
  const kept: Topic[] = []
  for (const topic of [...sums.values()].toSorted((a, b) => b.weight - a.weight)) {
    if (kept.length === limit) break
    const words = new Set(topic.key.split(' '))
    if (!kept.some((other) => overlaps(new Set(other.key.split(' ')), words))) kept.push(topic)
  }
  return kept
}

const overlaps = (a: Set<string>, b: Set<string>): boolean =>
  jaccard(a, b) >= 0.5 || [...a].every((form) => b.has(form)) || [...b].every((form) => a.has(form))

/** Numbers of citations, code and links are about nothing. */
const plain = (answer: string): string =>
  answer
    .replaceAll(/```[\s\S]*?(?:```|$)/g, '\n')
    .replaceAll(/https?:\/\/\S+/g, ' ')
    .replaceAll(/\[\d{1,3}(?:[,;]\s*\d{1,3})*\]/g, ' . ')
