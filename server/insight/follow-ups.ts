import type { Layer } from '../../contract/avees.ts'
import type { Citation } from '../../contract/chat.ts'
import type { Hit, Knowledge } from '../knowledge/index.ts'
import type { WordReader } from './measure/words.ts'
import { likeness } from './measure/words.ts'
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
  /** Passages that this and earlier answers had. */
  used: Pick<Citation, 'document_id' | 'page' | 'start' | 'end'>[]
  topics: Topic[]
  language: string | null
}

/**
 * Up to three questions that the documents can answer, without a model: from the headings and key phrases of passages
 * near the question that no answer has used yet. Each is put to the search as it would be asked, and kept when its own
 * document answers it.
 */
export async function followUps(
  knowledge: Pick<Knowledge, 'search'>,
  parts: FollowUpParts,
  readers: { words: WordReader; phrases: PhraseReader },
  signal: AbortSignal,
): Promise<string[]> {
  const scope = { aveeId: parts.aveeId, layers: parts.layers, byWordsAlone: true, signal }
  const near = await knowledge.search({
    ...scope,
    query: [parts.question, ...parts.topics.slice(0, 3).map(({ text }) => text)].join(' ').slice(0, 1_000),
    limit: looked,
  })
  const unused = near.hits.filter((hit) => !parts.used.some((used) => holds(used, hit)))
  const asked = parts.asked.map((question) => readers.words.formsOf(question))
  const kept: { text: string; forms: Set<string> }[] = []
  for (const { about, hit } of candidates(unused, parts.topics, readers.phrases).slice(0, tried)) {
    if (kept.length === wanted) break
    const forms = readers.words.formsOf(about)
    const isKnown = [...asked, ...kept.map((each) => each.forms)].some(
      (other) => likeness(forms, other) > 0.5 || [...forms].every((form) => other.has(form)),
    )
    if (isKnown) continue
    const text = worded(about, parts.language)
    const { answerable, hits } = await knowledge.search({ ...scope, query: text, limit: 3 })
    if (answerable && hits.some(({ documentId }) => documentId === hit.documentId)) kept.push({ text, forms })
  }
  return kept.map(({ text }) => text)
}

const holds = (used: FollowUpParts['used'][number], hit: Hit): boolean =>
  used.document_id === hit.documentId &&
  used.page === hit.page &&
  used.start <= hit.start &&
  hit.end <= used.end

/** Headings first, each once; where a passage has none, its weightiest phrase of several words. */
function candidates(hits: Hit[], topics: Topic[], phrases: PhraseReader): { about: string; hit: Hit }[] {
  const seen = new Set<string>()
  const taken = new Set(topics.map(({ key }) => key))
  const found: { about: string; hit: Hit }[] = []
  for (const hit of hits) {
    const about = headingOf(hit) ?? phraseOf(hit, phrases, taken)
    if (about === undefined || seen.has(about.toLowerCase())) continue
    seen.add(about.toLowerCase())
    found.push({ about, hit })
  }
  return found
}

/** The innermost heading, without its number, when it is more than the document's own title. */
function headingOf(hit: Hit): string | undefined {
  const last = hit.heading
    ?.split(' › ')
    .at(-1)
    ?.replace(/^\s*(?:§\s*)?\d+(?:\.\d+)*[.)]?\s+/u, '')
    .trim()
  if (
    !last ||
    last === hit.title ||
    !/\p{L}{3}|[\p{Script=Han}\p{Script=Hangul}]{2}/u.test(last) ||
    last.length > 90
  )
    return undefined
  return last
}

function phraseOf(hit: Hit, phrases: PhraseReader, taken: Set<string>): string | undefined {
  const counts = new Map<string, { text: string; times: number }>()
  for (const { words, forms } of phrases.phrasesOf(hit.text)) {
    const key = forms.join(' ')
    if (words.length < 2 || taken.has(key)) continue
    const joint = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(
      words[0] ?? '',
    )
      ? ''
      : ' '
    const entry = counts.get(key) ?? { text: words.join(joint), times: 0 }
    entry.times += words.some((word) => /^\p{Lu}/u.test(word)) ? 2 : 1
    counts.set(key, entry)
  }
  return [...counts.values()].toSorted((a, b) => b.times - a.times)[0]?.text
}

function worded(about: string, language: string | null): string {
  if (/[?？]$/.test(about)) return about
  return (wordings[language ?? 'eng'] ?? ((text: string) => `${text}?`))(about)
}
