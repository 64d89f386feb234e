/**
 * Relevance: the share of the question's terms that the answer or a passage it cites contains; 0 for an unanswered
 * question. Null for a question without terms, such as "And you?".
 */
export function relevanceScore(turn: {
  question: ReadonlySet<string>
  /** Terms of the answer and of the passages it cites. */
  answer: ReadonlySet<string>
  isAnswered: boolean
}): number | null {
  if (turn.question.size === 0) return null
  return turn.isAnswered ? turn.question.intersection(turn.answer).size / turn.question.size : 0
}

/**
 * Engagement: distinct terms of the answer that no earlier answer contains / all terms of the answer, i.e. distinct-1
 * (Li et al. 2016, "A Diversity-Promoting Objective Function") over new terms; 0 for an unanswered question. It is low
 * for repetitive answers and for answers that repeat an earlier one. Null for an answer without terms.
 */
export function engagementScore(turn: {
  answer: string[]
  earlierAnswers: ReadonlySet<string>
  isAnswered: boolean
}): number | null {
  if (turn.answer.length === 0) return null
  return turn.isAnswered ? new Set(turn.answer).difference(turn.earlierAnswers).size / turn.answer.length : 0
}

/**
 * Estimated satisfaction: (positive + 1) / (positive + negative + 2), Laplace's rule of succession. Positive signals are
 * thumbs up; negative ones are thumbs down, unanswered questions, and answers that were stopped, regenerated or failed.
 * Null before the first turn, 0.5 without signals.
 */
export function satisfactionScore(signals: {
  turns: number
  positive: number
  negative: number
}): number | null {
  if (signals.turns === 0) return null
  return (signals.positive + 1) / (signals.positive + signals.negative + 2)
}
