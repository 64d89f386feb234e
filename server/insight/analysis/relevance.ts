import type { TermReader, Weigh } from './terms.ts'

/** What the answer says itself counts more than what stands in the passages it names. */
const ownShare = 0.6
/** Coverage that counts as full: nobody repeats a whole question. */
const full = 0.85
const withoutAnswer = 0.3

/**
 * Whether an answer speaks about what was asked: which part of the question's words (by rarity) stand in the answer,
 * and in the answer together with the passages that it names.
 *
 *     min(1, (0.6 · covered by the answer + 0.4 · covered by answer and passages) ⁄ 0.85), times 0.3 when unanswered
 *
 * A short answer ("40 per minute [1]") is carried by its passage. Null for a question without words that say something
 * ("Hello!", "And?") and where question and answer are in different languages.
 */
export function relevanceOf(
  turn: { question: string; answer: string; passages: string[]; answered: boolean; sameLanguage: boolean },
  reader: TermReader,
  weigh: Weigh,
): number | null {
  const asked = [...reader.formsOf(turn.question)]
  if (asked.length === 0 || !turn.sameLanguage) return null
  const own = reader.formsOf(turn.answer)
  const around = new Set(turn.passages.flatMap((passage) => [...reader.formsOf(passage)]))
  const whole = asked.reduce((sum, form) => sum + weigh(form), 0)
  const covered = (has: (form: string) => boolean) =>
    asked.filter(has).reduce((sum, form) => sum + weigh(form), 0) / whole
  const byAnswer = covered((form) => own.has(form))
  const byBoth = covered((form) => own.has(form) || around.has(form))
  const share = Math.min(1, (ownShare * byAnswer + (1 - ownShare) * byBoth) / full)
  return share * (turn.answered ? 1 : withoutAnswer)
}
