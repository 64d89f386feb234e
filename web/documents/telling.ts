import { isSameWord, isSmall, plain, words } from './marked-words.ts'
import type { Range } from './passage-range.ts'

const sentences = new Intl.Segmenter(undefined, { granularity: 'sentence' })

/** A sentence tells when it has this share of what the best one has, and that has this share of the claim. */
const nearlyBest = 0.6
const leastOfClaim = 0.25
/** When so much of a passage tells, none of it stands out. */
const mostTelling = 0.7

const marks = /\[[\d,\s]+\]/g

/** What of an answer rests on its source `n`: the sentences that name it. */
export function claimOf(answer: string, n: number): string {
  const claims: string[] = []
  let before = ''
  for (const { segment } of sentences.segment(answer)) {
    // A source may be named behind the full stop, at the head of what the segmenter takes for the next sentence.
    const head = /^\s*(?:\[[\d,\s]+\]\s*)*/.exec(segment)?.[0] ?? ''
    const said = segment.slice(head.length)
    if (names(head, n)) claims.push(before)
    if (names(said, n)) claims.push(said)
    before = said
  }
  return claims.join(' ').replace(marks, ' ')
}

const names = (text: string, n: number) =>
  (text.match(marks) ?? []).some((mark) => mark.slice(1, -1).split(',').map(Number).includes(n))

/**
 * The sentences of a passage that say what a claim says, by the words they share: rare words of the passage weigh more.
 * Empty when none stands out.
 */
export function tellingRanges(passage: string, claim: string): Range[] {
  const claimed = [...new Set(wordsOf(claim))]
  const parts = partsOf(passage).map((range) => {
    const own = wordsOf(passage.slice(range.start, range.end))
    return { range, shared: claimed.filter((word) => own.some((each) => isSameWord(each, word))) }
  })
  const weight = (word: string) => 1 / Math.max(1, parts.filter(({ shared }) => shared.includes(word)).length)
  const scored = parts.map(({ range, shared }) => ({
    range,
    share: shared.length / Math.max(1, claimed.length),
    score: shared.reduce((sum, word) => sum + weight(word), 0),
  }))
  const best = scored.reduce((top, each) => (each.score > top.score ? each : top), { score: 0, share: 0 })
  if (best.share < leastOfClaim) return []
  const telling = scored.filter(({ score }) => score >= nearlyBest * best.score).map(({ range }) => range)
  const letters = telling.reduce((sum, { start, end }) => sum + end - start, 0)
  return letters > mostTelling * passage.length ? [] : telling
}

function wordsOf(text: string): string[] {
  const all = [...words.segment(text)].filter((one) => one.isWordLike).map((one) => plain(one.segment))
  const telling = all.filter((word) => !isSmall(word) || /\d/.test(word))
  return telling.length > 0 ? telling : all
}

/** Sentences, and rows of tables; a line's end within a sentence is a blank. */
function partsOf(text: string): Range[] {
  const parts: Range[] = []
  for (const block of text.matchAll(/[^\n]*\t[^\n]*|(?:(?!\n\s*\n|\n[^\n]*\t)[^])+/g)) {
    for (const { segment, index } of sentences.segment(block[0].replaceAll('\n', ' '))) {
      const start = block.index + index + (segment.length - segment.trimStart().length)
      const end = start + segment.trim().length
      if (end > start) parts.push({ start, end })
    }
  }
  return parts
}
