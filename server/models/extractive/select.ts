import type { GroundingPassage } from '../port.ts'
import { type AnswerType, detectAnswerType, type Language } from './language.ts'
import { type Sentence, splitSentences } from './sentences.ts'
import { extractContentTerms, extractTerms } from './terms.ts'

export type Quote = { passage: GroundingPassage; sentence: Sentence }

type Candidate = Quote & { place: number; terms: Set<string>; count: number; score: number }

const mostQuotes = 4
const mostCharacters = 900
/** A further sentence must come this near to the best one. */
const nearEnough = 0.62
/** Two sentences that share more of their words than this say the same. */
const tooAlike = 0.6

/** The sentences of the passages that answer the question best, best first. */
export function selectQuotes(
  question: string,
  passages: GroundingPassage[],
  language: Language | undefined,
): Quote[] {
  const candidates = passages.flatMap((passage) => candidatesOf(passage, language))
  if (candidates.length === 0) return []
  const wanted = extractContentTerms(question, language)
  const weights = weightsOf(wanted, question, candidates, language)
  score(candidates, passages, weights, {
    asked: detectAnswerType(question),
    language,
    question: new Set(wanted),
  })

  const chosen: Candidate[] = []
  let characters = 0
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    const best = chosen[0]
    if (best && (candidate.score < best.score * nearEnough || candidate.score <= 0)) break
    if (chosen.some((other) => likeness(other.terms, candidate.terms) > tooAlike)) continue
    if (best && characters + candidate.sentence.text.length > mostCharacters) continue
    chosen.push(candidate)
    characters += candidate.sentence.text.length
    if (chosen.length === mostQuotes) break
  }
  return chosen.map(({ passage, sentence }) => ({ passage, sentence }))
}

function candidatesOf(passage: GroundingPassage, language: Language | undefined): Candidate[] {
  return splitSentences(passage.text).map((sentence, place) => {
    const terms = extractTerms(sentence.text, language)
    return { passage, sentence, place, terms: new Set(terms), count: terms.length, score: 0 }
  })
}

/** How much each word of the question counts: rare ones more, numbers and names more still. */
function weightsOf(
  wanted: string[],
  question: string,
  candidates: Candidate[],
  language: Language | undefined,
): Map<string, number> {
  const names = new Set(
    [...question.matchAll(/(?<=\S\s+)\p{Lu}[\p{L}\p{M}\p{N}-]*|\b\p{Lu}{2,}\b/gu)].flatMap(([name]) =>
      extractTerms(name, language),
    ),
  )
  return new Map(
    wanted.map((term) => {
      const having = candidates.filter((candidate) => candidate.terms.has(term)).length
      const rarity = Math.log(1 + (candidates.length - having + 0.5) / (having + 0.5))
      const special = /\d/.test(term) ? 1.4 : names.has(term) && language !== 'de' ? 1.2 : 1
      return [term, Math.max(0.1, rarity) * special]
    }),
  )
}

function score(
  candidates: Candidate[],
  passages: GroundingPassage[],
  weights: Map<string, number>,
  about: { asked: AnswerType; language: Language | undefined; question: Set<string> },
): void {
  const whole = [...weights.values()].reduce((sum, weight) => sum + weight, 0) || 1
  const covered = (terms: Set<string>) => {
    let sum = 0
    for (const [term, weight] of weights) if (terms.has(term)) sum += weight
    return sum / whole
  }
  for (const passage of passages) {
    const own = candidates.filter((candidate) => candidate.passage === passage)
    const title = new Set(extractTerms(passage.title, about.language))
    const rank = passages.indexOf(passage)
    own.forEach((candidate, i) => {
      // A sentence leans on its heading, its table's first row and the sentence before it.
      const context = new Set([
        ...title,
        ...extractTerms(candidate.sentence.header ?? '', about.language),
        ...(own[i - 1]?.terms ?? []),
      ])
      const direct = covered(candidate.terms)
      const around = covered(new Set([...candidate.terms, ...context])) - direct
      const isRow = candidate.sentence.header !== undefined
      const brief = candidate.count < 4 && !isRow ? 0.6 : candidate.count > 60 ? 0.85 : 1
      const fits = direct > 0 && holdsAnswer(candidate, about) ? 0.12 : 0
      candidate.score = brief * (direct + 0.35 * around + fits) + 0.1 / (1 + rank)
      if (/[?？]\s*$/.test(candidate.sentence.text)) candidate.score *= 0.7
    })
  }
}

const month =
  /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|avr|juin|juil|août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out|dez)\p{L}*\b/iu

/** Is there anything in the sentence of the kind that is asked for, beyond the question's own words? */
function holdsAnswer(
  candidate: Candidate,
  about: { asked: AnswerType; language: Language | undefined; question: Set<string> },
): boolean {
  const { text } = candidate.sentence
  switch (about.asked) {
    case undefined:
      return false
    case 'number':
      return /\p{N}|[一二三四五六七八九十百千万億亿两]/u.test(text)
    case 'when':
      return (
        /\b\d{4}\b|\d+\s*[年月日世]|\d{1,2}[./]\d{1,2}[./]/u.test(text) ||
        (month.test(text) && /\d/.test(text))
      )
    case 'who':
    case 'where':
      return [...text.matchAll(/(?<=\S\s+[("„“]?)\p{Lu}\p{L}+/gu)].some(
        ([name]) => !extractTerms(name, about.language).some((term) => about.question.has(term)),
      )
  }
}

function likeness(a: Set<string>, b: Set<string>): number {
  const smaller = a.size < b.size ? a : b
  const larger = smaller === a ? b : a
  if (smaller.size === 0) return 1
  let shared = 0
  for (const term of smaller) if (larger.has(term)) shared += 1
  return shared / (a.size + b.size - shared)
}
