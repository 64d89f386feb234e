/** What a conversation shows of how content the person is. */
export type Signs = {
  turns: number
  thumbsUp: number
  thumbsDown: number
  /** Questions that repeat an earlier one in about the same words. */
  repeated: number
  unanswered: number
  /** Answers that were stopped, asked for again, or failed. */
  stopped: number
  regenerated: number
  failed: number
  /** Messages that thank. */
  thanks: number
}

const weights = {
  thumb: 3,
  thanks: 1,
  quietTurn: 0.5,
  repeated: 1,
  unanswered: 0.75,
  stopped: 1,
  regenerated: 1,
  failed: 1,
}
/** As if one good and one bad sign had been seen before: one turn proves little. */
const prior = 1

/**
 * An estimate of satisfaction, 0 … 1: (good + 1) ⁄ (good + bad + 2), where good is 3 per thumb up, 1 per thanks and 0.5
 * per turn without any complaint, and bad 3 per thumb down, 1 per repeated question, stop, regeneration and failure and
 * 0.75 per unanswered question. Neither the length nor the number of messages counts by itself. Null without a turn.
 */
export function satisfactionOf(signs: Signs): number | null {
  if (signs.turns === 0) return null
  const complaints =
    signs.repeated + signs.unanswered + signs.stopped + signs.regenerated + signs.failed + signs.thumbsDown
  const quiet = Math.max(0, signs.turns - complaints)
  const good = weights.thumb * signs.thumbsUp + weights.thanks * signs.thanks + weights.quietTurn * quiet
  const bad =
    weights.thumb * signs.thumbsDown +
    weights.repeated * signs.repeated +
    weights.unanswered * signs.unanswered +
    weights.stopped * signs.stopped +
    weights.regenerated * signs.regenerated +
    weights.failed * signs.failed
  return (good + prior) / (good + bad + 2 * prior)
}

const thanks =
  /^\W*(?:(?:ok(?:ay)?|great|perfect|super|toll|parfait|génial|genial|perfetto)?[\s,!.]*)(?:thanks|thank you|thx|danke|vielen dank|merci|gracias|grazie|obrigad[oa]|dank je|bedankt|спасибо|dziękuję|tack|takk|ありがとう|谢谢|謝謝|감사)/iu

export const isThanks = (text: string): boolean => thanks.test(text)
