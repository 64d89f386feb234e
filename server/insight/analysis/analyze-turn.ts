import type { Layer } from '../../../contract/layers.ts'
import type { CitedPassage } from '../../../contract/messages.ts'
import type { Knowledge } from '../../knowledge/index.ts'
import { detectLanguage, idf } from '../../search/index.ts'
import { suggestFollowUps } from '../follow-ups.ts'
import { phraseExtractor, rankTopics, stemsOfPhrases, type Topic } from '../topics.ts'
import { type CheckedStatement, checkStatements, groundingScore } from './grounding.ts'
import { engagementScore, relevanceScore } from './scores.ts'
import { statementsOf } from './statements.ts'
import { languageOf, termExtractor } from './terms.ts'
import { type UnansweredReason, unansweredReason } from './unanswered.ts'

/**
 * Only the beginning of a longer answer is analyzed. An answer of 800,000 characters made the process grow permanently
 * by 370 MB, because Node.js keeps the freed memory of the many terms.
 */
const maxAnalyzedCharacters = 100_000

/** A question, its answer, the passages the answer was generated from, and the conversation before. */
export type Turn = {
  aveeId: string
  /** The layers of the asker; the analysis reads only content in them. */
  layers: Layer[]
  question: string
  answer: string
  model: string | null
  finishReason: string | null
  citations: CitedPassage[]
  /** The messages before the question, oldest first. */
  earlier: { role: 'user' | 'assistant'; content: string }[]
}

/** Scores are 0 … 1; null if there was nothing to measure. */
export type TurnAnalysis = {
  relevance: number | null
  engagement: number | null
  grounding: number | null
  unanswered: UnansweredReason | null
  statements: CheckedStatement[]
  issues: string[]
  suggestions: string[]
  topics: Topic[]
  followUps: string[]
  /** Documents that the answer cites or whose passages support it. */
  documents: string[]
  /** The source documents of the texts in the analysis. */
  sources: string[]
  /** The terms of the question, for grouping similar questions. */
  questionTerms: string[]
}

/** Analyzes a turn without a model, with a few queries. */
export async function analyzeTurn(
  knowledge: Pick<Knowledge, 'documentFrequencies' | 'search'>,
  whole: Turn,
  signal: AbortSignal,
): Promise<TurnAnalysis> {
  const turn = { ...whole, answer: whole.answer.slice(0, maxAnalyzedCharacters) }
  const isExtractive = turn.model === 'extractive'
  const passageLanguage = languageOf(turn.citations.map(({ text }) => text).join('\n'))
  const detected = detectLanguage(turn.question)
  const language = languageOf(turn.answer, [passageLanguage, detected])
  const extractor = await termExtractor(language)
  const phrases = await phraseExtractor(language)
  const statements = statementsOf(turn.answer, extractor, isExtractive)
  const question = extractor.stemsOf(turn.question)
  const answer = extractor.termsOf(turn.answer).map(({ stem }) => stem)
  const earlierAnswers = turn.earlier
    .filter(({ role }) => role === 'assistant')
    .map(({ content }) => content.slice(0, maxAnalyzedCharacters))
  const earlierQuestions = turn.earlier.filter(({ role }) => role === 'user').map(({ content }) => content)
  const topicSource = {
    question: turn.question,
    answer: isExtractive ? statements.map(({ text }) => text).join('\n') : turn.answer,
    headings: turn.citations.flatMap(({ title, heading }) => [title, ...(heading?.split(' › ') ?? [])]),
  }

  const { passages: passageCount, words: documentFrequencies } = await knowledge.documentFrequencies(
    turn.aveeId,
    turn.layers,
    [
      ...new Set([
        ...statements.flatMap(({ terms }) => terms.map(({ stem }) => stem)),
        ...stemsOfPhrases(topicSource, phrases),
      ]),
    ],
  )
  const hasDocuments = passageCount > 0
  // A term that no passage contains is weighted like a term of one passage.
  const idfOf = (stem: string) =>
    hasDocuments ? idf(Math.max(1, documentFrequencies.get(stem) ?? 0), passageCount) : 1

  // Terms of different languages cannot be compared.
  const isForeign =
    !isExtractive && language !== null && passageLanguage !== null && language !== passageLanguage
  const isCheckable = turn.citations.length > 0 && statements.length > 0
  const checked =
    isCheckable && !isForeign ? checkStatements(statements, turn.citations, extractor, idfOf) : undefined
  const supporting = new Set(
    checked?.flatMap(({ supported, citation }) => (supported && citation !== null ? [citation] : [])),
  )
  const cited = turn.citations.filter(({ n, cited: isCited }) => isCited || supporting.has(n))

  const hasCitations = turn.citations.some((citation) => citation.cited)
  const unanswered = unansweredReason({
    question: turn.question,
    questionTerms: question.size,
    answer: turn.answer,
    isAnswerable: hasCitations || !hasDocuments ? null : await isAnswerable(),
    hasDocuments,
    hasCitations,
    hasSupport: supporting.size > 0,
  })
  const isAnswered = unanswered === null
  const questionLanguage = languageOf(turn.question, [language], detected)
  const isSameLanguage = questionLanguage === null || language === null || questionLanguage === language
  // An answer that says that it does not know has no topics.
  const topics = rankTopics(isAnswered ? topicSource : { ...topicSource, answer: '' }, phrases, idfOf)
  const followUps = hasDocuments
    ? await suggestFollowUps(
        knowledge,
        { ...turn, topics, known: [...earlierQuestions, turn.question, ...earlierAnswers, turn.answer] },
        extractor,
        signal,
      )
    : { questions: [], sources: [] }
  return {
    relevance: isSameLanguage
      ? relevanceScore({
          question,
          answer: extractor
            .stemsOf(cited.flatMap(({ title, heading, text }) => [title, heading ?? '', text]).join('\n'))
            .union(new Set(answer)),
          isAnswered,
        })
      : null,
    engagement: engagementScore({
      answer,
      earlierAnswers: extractor.stemsOf(earlierAnswers.join('\n')),
      isAnswered,
    }),
    grounding: checked ? groundingScore(checked) : null,
    unanswered,
    statements: checked ?? [],
    ...findings({
      statements: checked ?? [],
      unanswered,
      isForeign: isForeign && isCheckable,
      isTruncated: turn.finishReason === 'length',
    }),
    topics,
    followUps: followUps.questions,
    documents: [...new Set(cited.map(({ document_id }) => document_id))],
    sources: [...new Set([...turn.citations.map(({ document_id }) => document_id), ...followUps.sources])],
    questionTerms: [...question],
  }

  async function isAnswerable(): Promise<boolean> {
    const { answerable } = await knowledge.search({
      aveeId: turn.aveeId,
      layers: turn.layers,
      query: turn.question,
      context: earlierQuestions,
      lexicalOnly: true,
      limit: 1,
      signal,
    })
    return answerable === 'yes'
  }
}

const maxListedStatements = 6

/** Describes the problems of an answer, with remedies. */
function findings(answer: {
  statements: CheckedStatement[]
  unanswered: UnansweredReason | null
  isForeign: boolean
  isTruncated: boolean
}): { issues: string[]; suggestions: string[] } {
  const issues: string[] = []
  const suggestions: string[] = []
  const unsupported = answer.statements.filter(({ supported }) => !supported)
  for (const { text, unknownNumbers } of unsupported.slice(0, maxListedStatements))
    issues.push(
      unknownNumbers.length > 0
        ? `No cited passage contains ${unknownNumbers.join(', ')}: “${text}”`
        : `No cited passage supports this: “${text}”`,
    )
  if (unsupported.length > maxListedStatements)
    issues.push(`${unsupported.length - maxListedStatements} more statements are not supported by a passage.`)
  if (unsupported.length > 0)
    suggestions.push('Check the cited passages before you rely on the listed statements.')
  if (answer.unanswered !== null) {
    issues.push(
      answer.unanswered === 'said_so'
        ? 'The answer says that it does not know.'
        : 'No passage in the documents answers the question, and the answer cites none.',
    )
    suggestions.push('Add a document that answers this, or rephrase the question.')
  }
  if (answer.isForeign) {
    issues.push('The answer and its passages are in different languages, so its statements were not checked.')
    suggestions.push('Ask in the language of the documents to have the answer checked.')
  }
  if (answer.isTruncated) {
    issues.push('The answer is truncated: the model reached its token limit.')
    suggestions.push('Ask the avee to continue.')
  }
  return { issues, suggestions }
}
