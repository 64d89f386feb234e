import { isSameStem, isShortWord, normalizeWord, wordSegmenter } from '../../contract/snippet.ts'
import type { TextRange } from './find-passage.ts'

const sentenceSegmenter = new Intl.Segmenter(undefined, { granularity: 'sentence' })

/** A sentence supports a claim if it reaches this share of the best sentence's score. */
const minShareOfBest = 0.6
/** Share of the claim's words that the best sentence must contain. */
const minShareOfClaim = 0.25

const citationMarks = /\[[\d,\s]+\]/g

/** Returns the sentences of an answer that cite source `n`, without the citation marks. */
export function claimFor(answer: string, n: number): string {
  const claims: string[] = []
  let previous = ''
  for (const { segment } of sentenceSegmenter.segment(answer)) {
    // The segmenter assigns a mark after the full stop to the next sentence.
    const leadingMarks = /^\s*(?:\[[\d,\s]+\]\s*)*/.exec(segment)?.[0] ?? ''
    const sentence = segment.slice(leadingMarks.length)
    if (cites(leadingMarks, n)) claims.push(previous)
    if (cites(sentence, n)) claims.push(sentence)
    previous = sentence
  }
  return claims.join(' ').replace(citationMarks, ' ')
}

const cites = (text: string, n: number) =>
  (text.match(citationMarks) ?? []).some((mark) => mark.slice(1, -1).split(',').map(Number).includes(n))

/**
 * Returns the sentences of a passage that support any sentence of a claim, judged by the words they share. Words that
 * fewer sentences of the passage contain have more weight. Empty if no sentence supports the claim.
 */
export function findSupportingSentences(passage: string, claim: string): TextRange[] {
  const sentences = splitSentences(passage).map((range) => ({
    range,
    words: significantWords(passage.slice(range.start, range.end)),
  }))
  const supporting = new Set(
    [...sentenceSegmenter.segment(claim)].flatMap(({ segment }) => supportFor(segment, sentences)),
  )
  return sentences.filter((sentence) => supporting.has(sentence)).map(({ range }) => range)
}

type Sentence = { range: TextRange; words: string[] }

/** Returns the sentences that support one sentence of a claim. */
function supportFor(claim: string, sentences: Sentence[]): Sentence[] {
  const claimed = [...new Set(significantWords(claim))]
  const shared = sentences.map(({ words }) =>
    claimed.filter((word) => words.some((other) => isSameStem(other, word))),
  )
  const weight = (word: string) => 1 / shared.filter((words) => words.includes(word)).length
  const scores = shared.map((words) => words.reduce((sum, word) => sum + weight(word), 0))
  const best = Math.max(0, ...scores)
  const sharedByBest = shared[scores.indexOf(best)]?.length ?? 0
  if (best === 0 || sharedByBest < minShareOfClaim * claimed.length) return []
  return sentences.filter((_, i) => (scores[i] ?? 0) >= minShareOfBest * best)
}

function significantWords(text: string): string[] {
  const all = [...wordSegmenter.segment(text)]
    .filter(({ isWordLike }) => isWordLike)
    .map(({ segment }) => normalizeWord(segment))
  const significant = all.filter((word) => !isShortWord(word) || /\d/.test(word))
  return significant.length > 0 ? significant : all
}

/** Splits a text into sentences and table rows. A line break within a sentence counts as a space. */
function splitSentences(text: string): TextRange[] {
  const ranges: TextRange[] = []
  for (const block of text.matchAll(/[^\n]*\t[^\n]*|(?:(?!\n\s*\n|\n[^\n]*\t)[^])+/g)) {
    for (const { segment, index } of sentenceSegmenter.segment(block[0].replaceAll('\n', ' '))) {
      const start = block.index + index + (segment.length - segment.trimStart().length)
      const end = start + segment.trim().length
      if (end > start) ranges.push({ start, end })
    }
  }
  return ranges
}

/** Returns the texts of the sentences of a passage that support the claim; none if either is missing. */
export const supportingTexts = (passage: string | null, claim: string | undefined): string[] =>
  passage === null || claim === undefined
    ? []
    : findSupportingSentences(passage, claim).map(({ start, end }) => passage.slice(start, end))
