import { coverageOf, detectLanguage, expandFollowUp, queryAnalyzer } from '../../search/index.ts'
import type { GroundingPassage } from '../port.ts'
import { type Sentence, splitSentences } from './sentences.ts'

/** Sentences or rows of a passage, after the heading or the column names that they need, if any. */
export type Quote = { passage: GroundingPassage; header: string | undefined; sentences: string[] }

/**
 * The quotes contain the answer to 92 % (English), 85 % (German) and 91 % (Chinese) of the questions of XQuAD, the first
 * one to 80, 73 and 78 %: `node bench/quotes.ts`.
 */
const maxSentences = 3
/** Minimum score of a further sentence, relative to the best one. */
const minRelativeScore = 1 / 2

/**
 * Selects the sentences that answer a question best, best first. The score of a sentence is the mean of the shares of
 * the question's terms that it contains by itself and together with its heading and the previous sentence, or the column
 * names of a row. The terms of earlier questions that a follow-up continues decide between sentences with equal scores. Rows
 * of a table with equal scores are selected together, because no word of the question distinguishes them.
 *
 * @param earlier earlier questions of the conversation, oldest first
 */
export async function selectQuotes(
  question: string,
  passages: GroundingPassage[],
  earlier: string[] = [],
): Promise<Quote[]> {
  const languages = [passages.map(({ text }) => text).join('\n'), question].map((text) =>
    detectLanguage(text),
  )
  const analyzer = await queryAnalyzer('', [...new Set(languages)], question)
  const { own, carried } = expandFollowUp(analyzer, question, earlier)
  const shareIn = (text: string, context = '') => coverageOf(analyzer, own, { context, text }).share
  const candidates = passages.flatMap((passage) => {
    const sentences = splitSentences(passage.text)
    const headings = [passage.title, ...(passage.heading?.split(' › ') ?? [])]
    const isHeading = ({ text, isHeading }: Sentence) => isHeading === true || headings.includes(text)
    let heading: string | undefined
    return sentences.flatMap((sentence, i) => {
      // A heading names the subject of a passage but is not an answer.
      if (isHeading(sentence)) {
        if (sentences[i + 1]?.header !== sentence.text) heading = sentence.text
        if (!sentences.every(isHeading)) return []
      }
      const { text, header: columns } = sentence
      const alone = shareIn(text)
      const context = [heading, columns ?? sentences[i - 1]?.text].join('\n')
      const isNeeded = heading !== undefined && shareIn(text, heading) > alone
      return {
        passage,
        text,
        isRow: columns !== undefined,
        header: columns ?? (isNeeded ? heading : undefined),
        score: alone + shareIn(text, context),
        carried: coverageOf(analyzer, carried, { context, text }, ({ weight }) => weight).matched,
      }
    })
  })
  // Overlapping passages contain the same sentences; the one of the better passage comes first.
  const distinct = Map.groupBy(candidates, ({ text }) => text)
    .values()
    .map(([first]) => first)
  const ranked = [...distinct]
    .flatMap((candidate) => candidate ?? [])
    // The end of a passage may truncate a sentence that an overlapping passage contains in full.
    .filter(({ text }, _, all) => !all.some((other) => isPartOf(text, other.text)))
    .sort((a, b) => b.score - a.score || b.carried - a.carried)
  const minScore = (ranked[0]?.score ?? 0) * minRelativeScore
  const quotes: (Quote & { score: number; carried: number })[] = []
  let count = 0
  for (const { passage, text, isRow, header, score, carried } of ranked) {
    if (score < minScore) break
    const quote = quotes.find(
      (other) => header !== undefined && other.header === header && other.passage === passage,
    )
    const isTied = isRow && quote?.score === score
    if (isTied && carried < quote.carried) continue
    if (!isTied) count += 1
    if (count > maxSentences) break
    if (quote) quote.sentences.push(text)
    else quotes.push({ passage, header, sentences: [text], score, carried })
  }
  return quotes
}

const isPartOf = (part: string, sentence: string): boolean =>
  part.length < sentence.length && (sentence.startsWith(part) || sentence.endsWith(part))
