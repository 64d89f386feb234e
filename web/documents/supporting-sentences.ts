import type { TextRange } from './find-passage.ts'
import { isSameStem, isShortWord, normalizeWord, wordSegmenter } from './snippet.ts'

const sentences = new Intl.Segmenter(undefined, { granularity: 'sentence' })

/** A sentence tells when it has this share of what the best one has, and that has this share of the claim. */
const nearlyBest = 0.6
const leastOfClaim = 0.25
/** When so much of a passage tells, none of it stands out. */
const mostTelling = 0.7

const marks = /\[[\d,\s]+\]/g

/** What of an answer rests on its source `n`: the sentences that name it. */
export function claimFor(answer: string, n: number): string {
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
 * The sentences of a passage that say what a claim says, for each of its own sentences: by the words they share, of which
 * those count more that are rare in the passage. Empty when none stands out.
 */
export function findSupportingSentences(passage: string, claim: string): TextRange[] {
  const parts = partsOf(passage).map((range) => ({
    range,
    words: wordsOf(passage.slice(range.start, range.end)),
  }))
  const telling = new Set([...sentences.segment(claim)].flatMap(({ segment }) => tellingOf(parts, segment)))
  const letters = [...telling].reduce((sum, { range }) => sum + range.end - range.start, 0)
  if (letters > mostTelling * passage.length) return []
  return parts.filter((part) => telling.has(part)).map(({ range }) => range)
}

type Part = { range: TextRange; words: string[] }

/** The parts that say what one sentence claims. */
function tellingOf(parts: Part[], claim: string): Part[] {
  const claimed = [...new Set(wordsOf(claim))]
  const shared = parts.map(({ words: own }) =>
    claimed.filter((word) => own.some((each) => isSameStem(each, word))),
  )
  const weight = (word: string) => 1 / shared.filter((some) => some.includes(word)).length
  const scores = shared.map((some) => some.reduce((sum, word) => sum + weight(word), 0))
  const best = Math.max(0, ...scores)
  const isEnough = (shared[scores.indexOf(best)]?.length ?? 0) >= leastOfClaim * claimed.length
  return best > 0 && isEnough ? parts.filter((_, i) => (scores[i] ?? 0) >= nearlyBest * best) : []
}

function wordsOf(text: string): string[] {
  const all = [...wordSegmenter.segment(text)]
    .filter((one) => one.isWordLike)
    .map((one) => normalizeWord(one.segment))
  const telling = all.filter((word) => !isShortWord(word) || /\d/.test(word))
  return telling.length > 0 ? telling : all
}

/** Sentences, and rows of tables; a line's end within a sentence is a blank. */
function partsOf(text: string): TextRange[] {
  const parts: TextRange[] = []
  for (const block of text.matchAll(/[^\n]*\t[^\n]*|(?:(?!\n\s*\n|\n[^\n]*\t)[^])+/g)) {
    for (const { segment, index } of sentences.segment(block[0].replaceAll('\n', ' '))) {
      const start = block.index + index + (segment.length - segment.trimStart().length)
      const end = start + segment.trim().length
      if (end > start) parts.push({ start, end })
    }
  }
  return parts
}
