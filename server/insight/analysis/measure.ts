import type { Citation } from '../../../contract/chat.ts'
import { type Layer } from '../../../contract/layers.ts'
import { type Knowledge } from '../../knowledge/index.ts'
import { type Embedder, splitSentences } from '../../models/index.ts'
import { detectLanguage } from '../../search/index.ts'
import { engagementOf, tooLong, tooShort } from './engagement.ts'
import { ground, groundByMeaning, groundingOf, type SupportedStatement } from './grounding.ts'
import { relevanceOf } from './relevance.ts'
import { type Statement, statementsOf } from './statements.ts'
import { languageOf, type TermReader, termReader } from './terms.ts'
import { isQuestion, type Unanswered, unanswered } from './unanswered.ts'
import { weigher } from './weights.ts'

/** A turn as it is measured: what was asked and answered, and what the answer was given. */
export type AnalyzedTurn = {
  aveeId: string
  /** The layers of whoever asked; nothing of another weighs in. */
  layers: Layer[]
  question: string
  answer: string
  model: string | null
  finishReason: string | null
  citations: Citation[]
  /** The messages before the question, oldest first. */
  earlier: { role: 'user' | 'assistant'; content: string }[]
}

/** Scores from 0 to 1; null where there was nothing to measure. */
export type Measures = {
  relevance: number | null
  engagement: number | null
  grounding: number | null
  unanswered: Unanswered | null
  sentences: { text: string; support: number; citation: number | null; supported: boolean }[]
  issues: string[]
  suggestions: string[]
  measuredBy: string
}

/** Passages of which sentences are embedded at most, and of each so many sentences. */
const embeddedSentences = 120
const listedIssues = 6

/**
 * Measures one turn from words alone: a few milliseconds, one or two queries, no model. With an embedder, an answer in
 * another language than its passages is compared with them by meaning; without one its grounding is null.
 */
export async function measure(
  knowledge: Pick<Knowledge, 'documentFrequencies' | 'search'>,
  turn: AnalyzedTurn,
  signal: AbortSignal,
  embedderOf: () => Promise<Embedder | undefined> = async () => undefined,
): Promise<Measures & { reader: TermReader; needsMeaning: boolean }> {
  const passages = turn.citations.map(({ text }) => text).join('\n')
  const passageLanguage = languageOf(passages, detectLanguage(turn.answer))
  const language = languageOf(turn.answer, passageLanguage, detectLanguage(turn.question))
  const reader = await termReader(language)
  const isQuoted = turn.model === 'extractive'
  const statements = statementsOf(turn.answer, reader, isQuoted)
  const forms = [
    ...reader.formsOf(turn.question),
    ...statements.flatMap(({ words }) => words.map(({ form }) => form)),
  ]
  const weights = await weigher(knowledge, turn, forms)

  const isForeign =
    reader.language !== null && passageLanguage !== null && reader.language !== passageLanguage
  const isCompared = turn.citations.length > 0 && statements.length > 0
  const needsMeaning = isCompared && isForeign && !isQuoted
  const embedder = needsMeaning ? await embedderOf() : undefined
  const known = embedder
    ? { statements: await byMeaning(embedder, statements, turn.citations, reader, signal), by: 'embeddings' }
    : isCompared && !needsMeaning
      ? { statements: ground(statements, turn.citations, reader, weights.weigh), by: 'words' }
      : undefined

  const asked = reader.contentOf(turn.question)
  const cites = turn.citations.some(({ cited }) => cited)
  const why = unanswered({
    question: turn.question,
    contentWords: asked.length,
    answer: turn.answer,
    answerable: cites || weights.passages === 0 ? null : await isAnswerable(knowledge, turn, signal),
    hasDocuments: weights.passages > 0,
    citesSomething: cites,
    supportsSomething: known?.statements.some(({ supported }) => supported) ?? false,
  })
  const engagement = engagementOf(
    {
      question: turn.question,
      answer: turn.answer,
      earlierAnswers: turn.earlier.filter(({ role }) => role === 'assistant').map(({ content }) => content),
      answered: why === null,
    },
    reader,
  )
  const questionLanguage = languageOf(turn.question, language)
  const relevance = relevanceOf(
    {
      question: turn.question,
      answer: turn.answer,
      passages: turn.citations.map(({ title, heading, text }) => [title, heading ?? '', text].join('\n')),
      answered: why === null,
      sameLanguage:
        questionLanguage === null || reader.language === null || questionLanguage === reader.language,
    },
    reader,
    weights.weigh,
  )
  const sentences = known?.statements ?? []
  const notes = notesOn(turn, { why, engagement, sentences, isForeign: needsMeaning && known === undefined })
  return {
    reader,
    needsMeaning,
    relevance,
    engagement: engagement.score,
    grounding: known ? groundingOf(known.statements) : null,
    unanswered: why,
    sentences: sentences.map(({ text, support, citation, supported }) => ({
      text,
      support,
      citation,
      supported,
    })),
    ...notes,
    measuredBy: known?.by ?? 'words',
  }
}

async function isAnswerable(
  knowledge: Pick<Knowledge, 'search'>,
  turn: AnalyzedTurn,
  signal: AbortSignal,
): Promise<boolean> {
  const { answerable } = await knowledge.search({
    aveeId: turn.aveeId,
    layers: turn.layers,
    query: turn.question,
    context: turn.earlier.filter(({ role }) => role === 'user').map(({ content }) => content),
    lexicalOnly: true,
    limit: 1,
    signal,
  })
  return answerable === 'yes'
}

/** The sentences of answer and passages as vectors. They are embedded as passages: nobody waits for them. */
async function byMeaning(
  embedder: Embedder,
  statements: Statement[],
  citations: Citation[],
  reader: TermReader,
  signal: AbortSignal,
): Promise<SupportedStatement[]> {
  const sentences = citations
    .flatMap(({ n, text }) => splitSentences(text).map((sentence) => ({ n, text: sentence.text })))
    .slice(0, embeddedSentences)
  const vectors = await embedder.embed(
    [...statements.map(({ text }) => text), ...sentences.map(({ text }) => text)],
    'passage',
    signal,
  )
  const own = vectors.slice(0, statements.length)
  const others = vectors.slice(statements.length)
  return groundByMeaning(
    statements.flatMap((statement, i) => {
      const vector = own[i]
      return vector ? [{ statement, vector }] : []
    }),
    citations.map(({ n, text }) => ({
      n,
      figures: new Set(reader.contentOf(text).flatMap(({ form, isFigure }) => (isFigure ? [form] : []))),
      vectors: others.filter((_, i) => sentences[i]?.n === n),
    })),
  )
}

function notesOn(
  turn: AnalyzedTurn,
  seen: {
    why: Unanswered | null
    engagement: { repeats: boolean; words: number }
    sentences: SupportedStatement[]
    isForeign: boolean
  },
): { issues: string[]; suggestions: string[] } {
  const issues: string[] = []
  const suggestions: string[] = []
  const unsupported = seen.sentences.filter(({ supported }) => !supported)
  for (const { text, unknownFigures } of unsupported.slice(0, listedIssues))
    issues.push(
      unknownFigures.length > 0
        ? `No cited passage has ${unknownFigures.join(', ')}: “${text}”`
        : `No cited passage says this: “${text}”`,
    )
  if (unsupported.length > listedIssues)
    issues.push(`${unsupported.length - listedIssues} further statements have no passage that says them.`)
  if (unsupported.length > 0)
    suggestions.push('Look at the cited passages before relying on the statements that are listed.')
  if (seen.why !== null) {
    issues.push(
      seen.why === 'said_so'
        ? 'The answer says that it does not know.'
        : 'No passage in the documents fits the question, and the answer names none.',
    )
    suggestions.push('Add a document that answers this, or ask in other words.')
  }
  if (seen.isForeign) {
    issues.push(
      'Answer and passages are in different languages; without an embedding model they cannot be compared.',
    )
    suggestions.push('Add an embedding model that knows both languages.')
  }
  if (turn.finishReason === 'length') {
    issues.push('The model ran out of room: the answer is cut.')
    suggestions.push('Ask it to continue.')
  }
  if (seen.engagement.repeats) {
    issues.push('It says nearly the same as an earlier answer.')
    suggestions.push('Ask about one part of it.')
  }
  if (tooLong(seen.engagement.words)) suggestions.push('Ask for a shorter answer.')
  if (tooShort(seen.engagement.words) && isQuestion(turn.question)) suggestions.push('Ask for more detail.')
  return { issues, suggestions }
}
