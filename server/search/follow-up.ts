import type { QueryAnalyzer, QueryTerm } from './query-terms.ts'

/** What an earlier question lends to one that does not stand by itself. */
const carriedWeight = 0.5
/** A question with no more words of its own than this may be half of one. */
const fewWords = 2

/** "And in 2023?", "What about …", "Und wie viele?": a question that begins as a continuation. */
const continues =
  /^\s*(?:(?:and|but|or|also|what about|how about|same for|und|aber|oder|auch|was ist mit|wie (?:sieht|steht) es|et|mais|ou|qu'en est-il|y|pero|o|qué hay|e|ma|en|maar|och|men|og|a co|a|и|а|но)\b|那|还有|還有|呢|では|じゃあ|それ)/iu

/** Words that point at something said before. */
const pointing = new Set(
  [
    'it its they them their theirs he him his she her hers that those this these one ones there then former latter same',
    'er sie es ihn ihm ihr ihre ihren ihrer sein seine seinen dessen deren diese dieser dieses dort dabei davon damals',
    'il elle ils elles lui leur leurs celui celle ceux celles cela ça',
    'él ella ellos ellas eso esa ese esos esas esto',
    'esso essa essi lui lei loro quello quella quelli quelle',
    'он она оно они его её ее их этот эта это эти',
  ].flatMap((line) => line.split(' ')),
)
const pointingUnspaced = /[它他她其]|这个|這個|那个|那個|それ|その|彼/u
const isFigure = (term: QueryTerm) => /^\p{Nd}/u.test(term.text)

/**
 * The words of a question, and with them what it leaves unsaid: a follow-up takes up the words of the question before
 * it, at half their weight. A figure of its own ("and in 2023?") takes the place of the figures before.
 *
 * @param context earlier questions of the conversation, oldest first
 */
export function expandFollowUpTerms(
  questioner: QueryAnalyzer,
  question: string,
  context: string[],
): QueryTerm[] {
  const own = questioner.terms(question)
  if (!leansOnContext(question, own)) return own
  const informative = own.filter((term) => !term.isStopWord)
  const known = new Set(own.flatMap((term) => [...term.stems.keys()]))
  for (const earlier of context.toReversed()) {
    const carried = questioner
      .terms(earlier, carriedWeight)
      .filter((term) => !term.isStopWord)
      .filter((term) => ![...term.stems.keys()].some((form) => known.has(form)))
      .filter((term) => !isFigure(term) || !informative.some(isFigure))
    // A question that leaned on others itself has nothing to lend; the one before it may.
    if (carried.length > fewWords || (carried.length > 0 && earlier === context[0]))
      return [...own, ...carried]
  }
  return own
}

/** The text that is embedded for a question: with the earlier question in front when it leans on it. */
export function expandFollowUpText(questioner: QueryAnalyzer, question: string, context: string[]): string {
  const last = context.at(-1)
  return last !== undefined && leansOnContext(question, questioner.terms(question))
    ? `${last}\n${question}`
    : question
}

function leansOnContext(question: string, own: QueryTerm[]): boolean {
  if (own.filter((term) => !term.isStopWord).length <= fewWords) return true
  if (continues.test(question)) return true
  return pointingUnspaced.test(question) || own.some((term) => pointing.has(term.text))
}
