import { type Layer } from '../../contract/layers.ts'
import type { Hit, Knowledge } from '../knowledge/index.ts'
import { splitSentences } from '../models/index.ts'
import type { TermReader } from './analysis/terms.ts'
import { jaccard } from './analysis/terms.ts'
import type { PhraseReader, Topic } from './topics.ts'

const wanted = 3
/** Passages around the answer that are looked at, and candidates that are put to the documents. */
const looked = 24
const tried = 8

/** How one asks for more about something; `about` is a heading or a key phrase. Keys are ISO 639-3. */
const wordings: Record<string, (about: string) => string> = {
  eng: (about) => `Tell me more about ${about}.`,
  deu: (about) => `Erzähl mir mehr über ${about}.`,
  fra: (about) => `Dis-m’en plus sur ${about}.`,
  spa: (about) => `Cuéntame más sobre ${about}.`,
  ita: (about) => `Dimmi di più su ${about}.`,
  por: (about) => `Conta-me mais sobre ${about}.`,
  nld: (about) => `Vertel me meer over ${about}.`,
  pol: (about) => `Opowiedz więcej na temat: ${about}.`,
  rus: (about) => `Расскажи подробнее: ${about}.`,
  swe: (about) => `Berätta mer om ${about}.`,
  dan: (about) => `Fortæl mere om ${about}.`,
  nob: (about) => `Fortell mer om ${about}.`,
  tur: (about) => `${about} hakkında daha fazla bilgi ver.`,
  jpn: (about) => `${about}について詳しく教えてください。`,
  cmn: (about) => `请详细介绍${about}。`,
  kor: (about) => `${about}에 대해 더 알려 주세요.`,
}

export type FollowUpParts = {
  aveeId: string
  layers: Layer[]
  question: string
  /** Questions asked so far, this one included. */
  asked: string[]
  /** What was answered so far, this answer included. */
  answers: string[]
  topics: Topic[]
  language: string | null
}

/**
 * Up to three questions that the documents can answer, without a model: from the headings and key phrases of passages
 * near the question, as far as no answer has told it yet. Each is put to the search as it would be asked, and kept when
 * its own document answers it.
 */
export async function followUps(
  knowledge: Pick<Knowledge, 'search'>,
  parts: FollowUpParts,
  readers: { words: TermReader; phrases: PhraseReader },
  signal: AbortSignal,
): Promise<string[]> {
  const scope = { aveeId: parts.aveeId, layers: parts.layers, byWordsAlone: true, signal }
  const near = await knowledge.search({
    ...scope,
    query: [parts.question, ...parts.topics.slice(0, 3).map(({ text }) => text)].join(' ').slice(0, 1_000),
    limit: looked,
  })
  const said = [...parts.asked, ...parts.answers].map((text) => readers.words.formsOf(text))
  const told = new Set(said.flatMap((forms) => [...forms]))
  const kept: { text: string; forms: Set<string> }[] = []
  const found = near.hits.flatMap((hit) => candidates(hit, told, readers))
  // Headings name their matter better than phrases do.
  const inOrder = [
    ...found.filter(({ isHeading }) => isHeading),
    ...found.filter(({ isHeading }) => !isHeading),
  ]
  let tries = 0
  for (const { about, hit } of inOrder) {
    if (kept.length === wanted || tries === tried) break
    const forms = readers.words.formsOf(about)
    const isKnown = [...said, ...kept.map((each) => each.forms)].some(
      (other) => jaccard(forms, other) > 0.5 || [...forms].every((form) => other.has(form)),
    )
    if (isKnown || forms.size === 0) continue
    tries += 1
    const text = worded(about, parts.language)
    const { answerable, hits } = await knowledge.search({ ...scope, query: text, limit: 3 })
    if (answerable === 'yes' && hits.some(({ documentId }) => documentId === hit.documentId))
      kept.push({ text, forms })
  }
  return kept.map(({ text }) => text)
}

type Candidate = { about: string; hit: Hit; isHeading: boolean }

/** Words of a sentence of which more than this part has been told are nothing new. */
const mostlyTold = 0.6
const headingWords = 8

/** What a passage has to tell: the heading above it and those within, and the first phrase of each sentence that is new. */
function candidates(
  hit: Hit,
  told: Set<string>,
  { words, phrases }: { words: TermReader; phrases: PhraseReader },
): Candidate[] {
  const above = headingOf(hit.heading?.split(' › ').at(-1), hit.title)
  const found: Candidate[] = above === undefined ? [] : [{ about: above, hit, isHeading: true }]
  for (const { text } of splitSentences(hit.text)) {
    const isTitle = !/[.!?:;,。！？：]\s*$/u.test(text) && text.split(' ').length <= headingWords
    const within = isTitle ? headingOf(text.replace(/^#+\s*/, ''), hit.title) : undefined
    if (within !== undefined) found.push({ about: within, hit, isHeading: true })
    if (isTitle) continue
    const forms = [...words.formsOf(text)]
    const known = forms.filter((form) => told.has(form)).length
    if (forms.length === 0 || known / forms.length > mostlyTold) continue
    const about = phraseOf(text, phrases, told)
    if (about !== undefined) found.push({ about, hit, isHeading: false })
  }
  return found
}

/** A heading without its number, when it says something and is more than the document's own title. */
function headingOf(heading: string | undefined, title: string): string | undefined {
  const text = heading?.replace(/^\s*(?:§\s*)?\d+(?:\.\d+)*[.)]?\s+/u, '').trim()
  if (!text || text === title || text.length > 90) return undefined
  return /\p{L}{3}|[\p{Script=Han}\p{Script=Hangul}]{2}/u.test(text) ? text : undefined
}

/** The longest phrase of a sentence with a word that has not been told, names first. */
function phraseOf(text: string, phrases: PhraseReader, told: Set<string>): string | undefined {
  const found = phrases
    .phrasesOf(text)
    .filter(({ words, forms }) => words.length > 1 && forms.some((form) => !told.has(form)))
    .map(({ words }) => ({
      text: words.join(unspaced.test(words[0] ?? '') ? '' : ' '),
      rank: words.length + (words.every((word) => /^\p{Lu}/u.test(word)) ? 2 : 0),
    }))
  return found.toSorted((a, b) => b.rank - a.rank)[0]?.text
}

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u

function worded(about: string, language: string | null): string {
  if (/[?？]$/.test(about)) return about
  return (wordings[language ?? 'eng'] ?? ((text: string) => `${text}?`))(about)
}
