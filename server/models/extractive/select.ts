import type { GroundingPassage } from '../port.ts'
import { type AnswerType, detectAnswerType, type Language } from './language.ts'
import { type Sentence, splitSentences } from './sentences.ts'
import { extractContentTerms, extractTerms } from './terms.ts'

export type Quote = { passage: GroundingPassage; sentence: Sentence }

type Candidate = Quote & { position: number; terms: Set<string>; count: number; score: number }

const maxQuotes = 4
const maxCharacters = 900
/** Minimum score of a further sentence, relative to the best one. */
const minRelativeScore = 0.62
/** Sentences with a higher Jaccard similarity are duplicates. */
const maxSimilarity = 0.6

/** Selects the sentences of the passages that answer the question best, best first. */
export function selectQuotes(
  question: string,
  passages: GroundingPassage[],
  language: Language | undefined,
): Quote[] {
  const candidates = passages.flatMap((passage) => splitCandidates(passage, language))
  if (candidates.length === 0) return []
  const queryTerms = extractContentTerms(question, language)
  const weights = computeWeights(queryTerms, question, candidates, language)
  score(candidates, passages, weights, {
    answerType: detectAnswerType(question),
    language,
    terms: new Set(queryTerms),
  })

  const chosen: Candidate[] = []
  let characters = 0
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    const best = chosen[0]
    if (best && (candidate.score < best.score * minRelativeScore || candidate.score <= 0)) break
    if (chosen.some((other) => jaccardSimilarity(other.terms, candidate.terms) > maxSimilarity)) continue
    if (best && characters + candidate.sentence.text.length > maxCharacters) continue
    chosen.push(candidate)
    characters += candidate.sentence.text.length
    if (chosen.length === maxQuotes) break
  }
  return chosen.map(({ passage, sentence }) => ({ passage, sentence }))
}

function splitCandidates(passage: GroundingPassage, language: Language | undefined): Candidate[] {
  return splitSentences(passage.text).map((sentence, position) => {
    const terms = extractTerms(sentence.text, language)
    return { passage, sentence, position, terms: new Set(terms), count: terms.length, score: 0 }
  })
}

/** Weights the query terms by IDF; numbers and names get more weight. */
function computeWeights(
  queryTerms: string[],
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
    queryTerms.map((term) => {
      const documentFrequency = candidates.filter((candidate) => candidate.terms.has(term)).length
      const idf = Math.log(1 + (candidates.length - documentFrequency + 0.5) / (documentFrequency + 0.5))
      const boost = /\d/.test(term) ? 1.4 : names.has(term) && language !== 'de' ? 1.2 : 1
      return [term, Math.max(0.1, idf) * boost]
    }),
  )
}

function score(
  candidates: Candidate[],
  passages: GroundingPassage[],
  weights: Map<string, number>,
  query: { answerType: AnswerType; language: Language | undefined; terms: Set<string> },
): void {
  const totalWeight = [...weights.values()].reduce((sum, weight) => sum + weight, 0) || 1
  const coverage = (terms: Set<string>) => {
    let sum = 0
    for (const [term, weight] of weights) if (terms.has(term)) sum += weight
    return sum / totalWeight
  }
  for (const passage of passages) {
    const ownCandidates = candidates.filter((candidate) => candidate.passage === passage)
    const title = new Set(extractTerms(passage.title, query.language))
    const rank = passages.indexOf(passage)
    ownCandidates.forEach((candidate, i) => {
      // The title, the table header and the previous sentence are the context of a sentence.
      const context = new Set([
        ...title,
        ...extractTerms(candidate.sentence.header ?? '', query.language),
        ...(ownCandidates[i - 1]?.terms ?? []),
      ])
      const direct = coverage(candidate.terms)
      const contextual = coverage(new Set([...candidate.terms, ...context])) - direct
      const isRow = candidate.sentence.header !== undefined
      const lengthFactor = candidate.count < 4 && !isRow ? 0.6 : candidate.count > 60 ? 0.85 : 1
      const answerBonus = direct > 0 && containsAnswer(candidate, query) ? 0.12 : 0
      candidate.score = lengthFactor * (direct + 0.35 * contextual + answerBonus) + 0.1 / (1 + rank)
      if (/[?？]\s*$/.test(candidate.sentence.text)) candidate.score *= 0.7
    })
  }
}

const month =
  /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|avr|juin|juil|août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out|dez)\p{L}*\b/iu

/** Whether the sentence contains an expression of the answer type that is not part of the question. */
function containsAnswer(
  candidate: Candidate,
  query: { answerType: AnswerType; language: Language | undefined; terms: Set<string> },
): boolean {
  const { text } = candidate.sentence
  switch (query.answerType) {
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
        ([name]) => !extractTerms(name, query.language).some((term) => query.terms.has(term)),
      )
  }
}

function jaccardSimilarity(a: Set<string>, b: Set<string>): number {
  const smaller = a.size < b.size ? a : b
  const larger = smaller === a ? b : a
  if (smaller.size === 0) return 1
  let shared = 0
  for (const term of smaller) if (larger.has(term)) shared += 1
  return shared / (a.size + b.size - shared)
}
