import { jaccard, type TermReader } from './terms.ts'

/** Words between which an answer is neither curt nor a lecture. */
const shortest = 12
const longest = 280
const farTooLong = 900
/** An answer that shares more of its words than this with an earlier one says it again. */
const sameAgain = 0.6

const parts = { length: 0.4, variety: 0.25, newness: 0.25, invitation: 0.1 }
/** An answer that does not answer keeps half of it. */
const withoutAnswer = 0.5

/**
 * How well an answer keeps a conversation going, from the answer alone; whether the person liked it is told by their
 * thumbs and by what they do next.
 *
 *     0.40 · length      1 between 12 and 280 words, falling to 0 below and to 0.3 at 900 above
 *   + 0.25 · variety     distinct words ⁄ words, against the 0.5 of ordinary prose: a model that loops has less
 *   + 0.25 · newness     1 − likeness to the nearest earlier answer, and not merely the question again
 *   + 0.10 · invitation  it asks something back
 *
 * Halved when the question went unanswered. Null for an empty answer.
 */
export function engagementOf(
  turn: { question: string; answer: string; earlierAnswers: string[]; answered: boolean },
  reader: TermReader,
): { score: number | null; repeats: boolean; words: number } {
  const content = reader.contentOf(turn.answer).map(({ form }) => form)
  const words = countWords(turn.answer)
  if (words === 0) return { score: null, repeats: false, words }
  const own = new Set(content)
  const nearest = Math.max(0, ...turn.earlierAnswers.map((earlier) => jaccard(own, reader.formsOf(earlier))))
  const asked = reader.formsOf(turn.question)
  const added = [...own].filter((form) => !asked.has(form)).length
  const newness = own.size === 0 ? 0 : (1 - nearest) * Math.min(1, added / Math.max(1, own.size * 0.4))
  const variety = content.length === 0 ? 0 : Math.min(1, own.size / content.length / 0.5)
  const invitation = /[?？]\s*$/.test(turn.answer.trim()) ? 1 : 0
  const sum =
    parts.length * lengthFit(words) +
    parts.variety * variety +
    parts.newness * newness +
    parts.invitation * invitation
  return { score: sum * (turn.answered ? 1 : withoutAnswer), repeats: nearest > sameAgain, words }
}

function lengthFit(words: number): number {
  if (words < shortest) return words / shortest
  if (words <= longest) return 1
  return Math.max(0.3, 1 - (0.7 * (words - longest)) / (farTooLong - longest))
}

/** Words as people count them; two characters of an unspaced script make about one. */
function countWords(text: string): number {
  const unspaced =
    text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu)?.length ?? 0
  const spaced =
    text.match(
      /(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{N}])[\p{L}\p{M}\p{N}'’-]*/gu,
    )?.length ?? 0
  return spaced + Math.ceil(unspaced / 2)
}

export const tooLong = (words: number): boolean => words > farTooLong
export const tooShort = (words: number): boolean => words < shortest / 2
