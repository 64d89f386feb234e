import type { QueryAnalyzer, QueryTerm } from './query-terms.ts'
import { stopWordLanguages, stopWordsOf } from './stop-words.ts'

/**
 * Terms of an earlier question have half the weight, so that they decide only between passages that match the question
 * equally.
 */
const carriedWeight = 0.5
/** A question with at most this many terms besides stop words may depend on the previous one. */
const maxTermsOfFollowUp = 2
/** The beginning of a long question suffices to detect its language. */
const maxSampleWords = 40

/**
 * Cues of a follow-up question by ISO 639-3 code: it begins as a continuation ("And in 2023?") or refers to an earlier
 * message ("How long is it?"). The same word may have another meaning in another language ("a", "en", "es", "il"),
 * so only the cues of the question's own language count.
 */
const cues: Record<string, { beginnings: string; references: string }> = {
  eng: {
    beginnings: 'and|but|or|also|what about|how about|same for',
    references:
      'it its they them their theirs he him his she her hers that those this these one ones there then former latter same',
  },
  deu: {
    beginnings: 'und|aber|oder|auch|was ist mit|wie sieht es|wie steht es',
    references:
      'er sie es ihn ihm ihr ihre ihren ihrer seine seinen dessen deren diese dieser dieses dort dabei davon damals',
  },
  fra: {
    beginnings: "et|mais|ou|qu'en est-il",
    references: 'il elle ils elles lui leur leurs celui celle ceux celles cela ça',
  },
  spa: { beginnings: 'y|pero|o|qué hay', references: 'él ella ellos ellas eso esa ese esos esas esto' },
  ita: { beginnings: 'e|ma|o', references: 'esso essa essi lui lei loro quello quella quelli quelle' },
  por: { beginnings: 'e|mas|ou', references: 'ele ela eles elas isso isto esse essa' },
  nld: { beginnings: 'en|maar|of', references: 'hij zij het hem haar hun deze dit die dat' },
  swe: { beginnings: 'och|men|eller', references: 'han hon den det de dem denna detta' },
  dan: { beginnings: 'og|men|eller', references: 'han hun den det de dem denne dette' },
  nob: { beginnings: 'og|men|eller', references: 'han hun den det de dem denne dette' },
  pol: { beginnings: 'a|i|ale|oraz', references: 'on ona ono oni jego jej ich ten ta to' },
  ces: { beginnings: 'a|ale|nebo|a co', references: 'on ona ono oni jeho její jejich ten ta to' },
  rus: { beginnings: 'и|а|но', references: 'он она оно они его её ее их этот эта это эти' },
  ukr: { beginnings: 'і|й|а|але', references: 'він вона воно вони його її їх цей ця це ці' },
}
const beginnings = new Map(
  Object.entries(cues).map(([language, { beginnings }]) => [
    language,
    // \b supports only ASCII letters.
    new RegExp(`^\\P{L}*(?:${beginnings})(?![\\p{L}\\p{M}\\p{N}])`, 'iu'),
  ]),
)
const references = new Map(
  Object.entries(cues).map(([language, { references }]) => [language, new Set(references.split(' '))]),
)
/** The same for Chinese and Japanese, which their scripts identify. */
const unspacedCues = /^(?:那|还有|還有|では|じゃあ|それ)|[它他她其]|这个|這個|那个|那個|その|彼|呢[？?]?\s*$/u

const isNumber = (term: QueryTerm) => /^\p{Nd}/u.test(term.text)

/**
 * Returns the terms of a question, and the text to embed for it. A follow-up also carries the terms of the questions that it
 * continues, each time at half their weight. A number in the follow-up ("and in 2023?") replaces the numbers of the earlier question.
 * A question with two terms and no cue ("When was the hotel built?") may be a follow-up, but is complete without it.
 *
 * @param context earlier questions of the conversation, oldest first
 */
export function expandFollowUp(
  analyzer: QueryAnalyzer,
  question: string,
  context: string[],
): { own: QueryTerm[]; carried: QueryTerm[]; text: string; isComplete: boolean } {
  const own = analyzer.terms(question)
  const content = own.filter((term) => !term.isStopWord)
  const last = context.at(-1)
  const isContinued = hasCue(question)
  if (last === undefined || !(isContinued || content.length <= maxTermsOfFollowUp))
    return { own, carried: [], text: question, isComplete: true }
  return {
    own,
    carried: carriedTerms(analyzer, own, context),
    text: `${last}\n${question}`,
    isComplete: !isContinued && content.filter((term) => !isNumber(term)).length > 1,
  }
}

function carriedTerms(analyzer: QueryAnalyzer, own: QueryTerm[], context: string[]): QueryTerm[] {
  let hasNumber = own.some((term) => !term.isStopWord && isNumber(term))
  const known = new Set(own.flatMap((term) => [...term.stems.keys()]))
  const all: QueryTerm[] = []
  let weight = carriedWeight
  for (const earlier of context.toReversed()) {
    const carried = analyzer
      .terms(earlier, weight)
      .filter((term) => !term.isStopWord)
      .filter((term) => ![...term.stems.keys()].some((hash) => known.has(hash)))
      .filter((term) => !isNumber(term) || !hasNumber)
    all.push(...carried)
    // A question with few terms is itself a follow-up of an earlier one.
    if (carried.length > maxTermsOfFollowUp) break
    if (carried.length > 0) weight *= carriedWeight
    hasNumber ||= carried.some(isNumber)
    for (const { stems } of carried) for (const hash of stems.keys()) known.add(hash)
  }
  return all
}

function hasCue(question: string): boolean {
  if (unspacedCues.test(question)) return true
  const words = [...question.matchAll(/[\p{L}\p{M}]+/gu).take(maxSampleWords)].map(([word]) => word)
  return likelyLanguages(words.map((word) => word.toLowerCase())).some(
    (language) => beginnings.get(language)?.test(question) === true || refersBack(words, language),
  )
}

/**
 * Returns whether a word refers to an earlier question; after a name it refers to the name ("When did Ada open her
 * shop?").
 */
function refersBack(words: string[], language: string): boolean {
  const first = words.findIndex((word) => references.get(language)?.has(word.toLowerCase()))
  if (first === -1) return false
  const stopWords = stopWordsOf(language)
  // The first word is always capitalized.
  return !words.slice(1, first).some((word) => /^\p{Lu}/u.test(word) && !stopWords.has(word.toLowerCase()))
}

/** Returns the languages of which most words are stop words. Statistical detection needs longer texts than questions are. */
function likelyLanguages(words: string[]): string[] {
  const counts = stopWordLanguages.map((language) => {
    const stopWords = stopWordsOf(language)
    return { language, count: words.filter((word) => stopWords.has(word)).length }
  })
  const most = Math.max(...counts.map(({ count }) => count))
  return most === 0 ? [] : counts.filter(({ count }) => count === most).map(({ language }) => language)
}
