import { coverageOf, detectLanguage, queryAnalyzer } from '../../search/index.ts'
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
 * the question's terms that it contains by itself and together with its table header and the previous sentence.
 */
export async function selectQuotes(question: string, passages: GroundingPassage[]): Promise<Quote[]> {
  const languages = [passages.map(({ text }) => text).join('\n'), question].map((text) =>
    detectLanguage(text),
  )
  const analyzer = await queryAnalyzer('', [...new Set(languages)], question)
  const terms = analyzer.terms(question)
  const shareIn = (text: string, context: string) => coverageOf(analyzer, terms, { context, text }).share
  const candidates = passages.flatMap((passage) => {
    const sentences = splitSentences(passage.text)
    const headings = [passage.title, ...(passage.heading?.split(' › ') ?? [])]
    const isHeading = ({ text }: Sentence) => headings.includes(text)
    return sentences.flatMap((sentence, i) => {
      // A heading names the subject of a passage but is not an answer.
      if (isHeading(sentence) && !sentences.every(isHeading)) return []
      const context = `${sentence.header ?? ''}\n${sentences[i - 1]?.text ?? ''}`
      return [{ passage, sentence, score: shareIn(sentence.text, '') + shareIn(sentence.text, context) }]
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
    .sort((a, b) => b.score - a.score)
  const minScore = (ranked[0]?.score ?? 0) * minRelativeScore
  return ranked.slice(0, maxQuotes).filter(({ score }) => score >= minScore)
}

const isPartOf = (part: string, sentence: string): boolean =>
  part.length < sentence.length && (sentence.startsWith(part) || sentence.endsWith(part))
