import { coverageOf, detectLanguage, expandFollowUp, queryAnalyzer } from '../../search/index.ts'
import type { GroundingPassage } from '../port.ts'
import { type Sentence, splitSentences } from './sentences.ts'

export type Quote = { passage: GroundingPassage; sentence: Sentence }

/**
 * The quotes contain the answer to 92 % (English), 85 % (German) and 91 % (Chinese) of the questions of XQuAD, the first
 * one to 80, 73 and 78 %: `node bench/quotes.ts`.
 */
const maxQuotes = 3
/** Minimum score of a further quote, relative to the best one. */
const minRelativeScore = 1 / 2

/**
 * Selects the sentences that answer a question best, best first. The score of a sentence is the mean of the shares of
 * the question's terms that it contains by itself and together with its heading, its table header and the previous
 * sentence. The terms of earlier questions that a follow-up continues decide between sentences with equal scores.
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
      // A heading says what a passage is about, and answers nothing.
      if (isHeading(sentence)) {
        heading = sentence.text
        if (!sentences.every(isHeading)) return []
      }
      const { text, header = heading } = sentence
      const alone = shareIn(text)
      const context = [heading, sentence.header, sentences[i - 1]?.text].join('\n')
      return {
        passage,
        sentence:
          header !== undefined && (sentence.header || shareIn(text, header) > alone)
            ? { text, header }
            : { text },
        score: alone + shareIn(text, context),
        carried: coverageOf(analyzer, carried, { context, text }, ({ weight }) => weight).matched,
      }
    })
  })
  // Overlapping passages contain the same sentences; the one of the better passage comes first.
  const distinct = Map.groupBy(candidates, ({ sentence }) => sentence.text)
    .values()
    .map(([first]) => first)
  const ranked = [...distinct]
    .flatMap((candidate) => candidate ?? [])
    // The end of a passage may truncate a sentence that an overlapping passage contains in full.
    .filter(({ sentence }, _, all) => !all.some((other) => isPartOf(sentence.text, other.sentence.text)))
    .sort((a, b) => b.score - a.score || b.carried - a.carried)
  const minScore = (ranked[0]?.score ?? 0) * minRelativeScore
  return ranked.slice(0, maxQuotes).filter(({ score }) => score >= minScore)
}

const isPartOf = (part: string, sentence: string): boolean =>
  part.length < sentence.length && (sentence.startsWith(part) || sentence.endsWith(part))
