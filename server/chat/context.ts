import { NIL } from 'uuid'
import type { Answerability } from '../../contract/knowledge.ts'
import { type Layer, layersWithin } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { CitedPassage } from '../../contract/messages.ts'
import { type Database, type RowsTogether, selectTogether } from '../db/index.ts'
import { type Insight, summaryLookback } from '../insight/index.ts'
import {
  areVisible,
  type ContextPassages,
  type ConversationAttachments,
  type Knowledge,
  type SearchQuery,
} from '../knowledge/index.ts'
import type { Memory, RecalledMemory, RecalledTurn } from '../memory/index.ts'
import type { OfferedToolRow, Tools } from '../tools/index.ts'
import { toCitation } from './citations.ts'
import { accessTo, isAvailable, showCitation } from './policy.ts'
import type { RetrievedTurn, Turn } from './prompt.ts'
import { type HistoryRow, type MessageRow, selectHistory } from './store/messages.ts'

export type ContextDependencies = {
  database: Database
  tools: Pick<Tools, 'selectCustom'>
  knowledge: Pick<
    Knowledge,
    'contextPassages' | 'layersOf' | 'passageCounts' | 'attachments' | 'picture' | 'pagesForImages'
  >
  memory: Pick<Memory, 'counts' | 'recall' | 'turnCounts' | 'recallTurns'>
  insight: Pick<Insight, 'freshUpdates'>
}

export type ContextRequest = {
  userId: string
  aveeId: string
  /** Whether the user owns the avee. */
  isOwner: boolean
  /** Null outside of conversations, where the client sends the history. */
  conversationId: string | null
  question: Pick<MessageRow, 'id' | 'content'> & Partial<Pick<MessageRow, 'attachments'>>
  /** The sources of the existing text of the answer. */
  begun: Pick<MessageRow, 'citations' | 'documents'> | undefined
  /** The user's current layer. */
  layer: Layer
  /** True when the model runs on another machine. */
  isRemote: boolean
  useDocuments: boolean
  /** Earlier turns from the client, instead of those of the conversation. */
  history: Turn[] | undefined
  /** Data that was read when the run was stored, if any. */
  rows?: ContextRows | undefined
}

/** The context of a prompt, besides the question and the persona. */
export type TurnContext = {
  /** A summary of the conversation before `history`; empty when `history` begins the conversation. */
  summary: string
  history: Turn[]
  retrievedTurns: RetrievedTurn[]
  citations: CitedPassage[]
  /** Null if the documents were not searched. */
  answerable: Answerability | null
  memories: (UsedMemory & { line: string })[]
  /** Whether a memory may only be sent to models in the private network. */
  hasLocalOnly: boolean
  updates: { date: string; text: string }[]
  /** The names of the attachments of the question. */
  attached: string[]
  /** The attachments of the conversation, for further searches. */
  attachments: ConversationAttachments | undefined
  /** The custom tools of the avee. */
  customTools: OfferedToolRow[]
}

/**
 * Smaller windows contain the best of them. 200 would add 2 to 4 percentage points of the evidence at 32,768 tokens, but
 * 5,000 tokens to each prompt of a conversation of short turns (docs/benchmarks.md).
 */
const maxRetrievedTurns = 100
/**
 * A history of up to this many characters is part of every prompt in full: about a quarter of the smallest window,
 * 4,096 tokens.
 */
const maxShortHistory = 4_000
/** Contains the evidence for 97 % of Chroma's chunking questions: `node bench/retrieval.ts`. */
const maxPassageWords = 1_000
/** Memories of this length contain 61 % of the evidence for LoCoMo's questions: `node bench/memory.ts`. */
const maxMemoryWords = 150

/** Data that every context needs. A null question means the one that the statement itself inserts. */
export function contextQueries(
  { knowledge, tools, memory, insight }: Omit<ContextDependencies, 'database'>,
  {
    userId,
    aveeId,
    layer,
    conversationId,
    isOwner,
    isRemote,
    history,
  }: Omit<ContextRequest, 'question' | 'begun' | 'useDocuments' | 'rows'>,
  questionId: string | null,
) {
  const layers = layersWithin(layer)
  return {
    earlier: selectHistory(questionId, layers, history ? 0 : summaryLookback),
    passageCounts: knowledge.passageCounts({ aveeId, layers }),
    customTools: tools.selectCustom({ aveeId, isOwner }),
    attachmentCounts: knowledge.passageCounts({ aveeId: conversationId ?? NIL, layers }),
    memoryCounts: memory.counts({ aveeId, userId, layer, remote: isRemote }),
    turnCounts: memory.turnCounts({ conversationId: conversationId ?? NIL, layers }),
    updates: insight.freshUpdates({ aveeId, layers, now: new Date() }),
  }
}
export type ContextRows = RowsTogether<ReturnType<typeof contextQueries>>

/**
 * Gathers the context of a turn concurrently. Every search filters by the user's layers, so nothing above them is
 * loaded.
 */
export async function gatherContext(
  dependencies: ContextDependencies,
  request: ContextRequest,
  signal: AbortSignal,
): Promise<TurnContext> {
  const { aveeId, userId, layer, conversationId } = request
  const layers = layersWithin(layer)
  const { earlier, customTools, passageCounts, attachmentCounts, memoryCounts, turnCounts, updates } =
    request.rows ??
    (await selectTogether(
      dependencies.database.db,
      contextQueries(dependencies, request, request.question.id),
    ))
  const { history, summary } = request.history
    ? { history: request.history, summary: '' }
    : fromSummary(earlier)
  const query = request.question.content
  const context = history.filter(({ role }) => role === 'user').map(({ content }) => content)

  const characters = history.reduce((sum, { content }) => sum + content.length, 0)
  const isLong = request.history === undefined && (characters > maxShortHistory || summary !== '')
  const leafId = earlier.at(-1)?.id
  const attachments =
    conversationId === null || attachmentCounts.length === 0
      ? undefined
      : { conversationId, counts: attachmentCounts, given: request.question.attachments ?? [] }
  const [attached, grounding, memories, retrievedTurns] = await Promise.all([
    namesOfAttachments(dependencies.knowledge, request),
    retrievePassages(
      dependencies.knowledge,
      request,
      {
        layers,
        context,
        counts: passageCounts,
        attachments,
      },
      signal,
    ),
    dependencies.memory.recall({
      aveeId,
      userId,
      layer,
      query,
      context,
      maxWords: maxMemoryWords,
      remote: request.isRemote,
      counts: memoryCounts,
      signal,
    }),
    isLong && conversationId !== null
      ? dependencies.memory.recallTurns({
          conversationId,
          layer,
          query,
          context,
          counts: turnCounts,
          ...(leafId === undefined ? {} : { leafId }),
          limit: maxRetrievedTurns,
          signal,
        })
      : [],
  ])
  return {
    summary,
    history,
    retrievedTurns: await visibleTurns(dependencies, retrievedTurns, request),
    ...grounding,
    attachments,
    customTools,
    hasLocalOnly: memories.some(({ local_only }) => local_only),
    memories: memories.map(({ id, type, content, ...validity }) => ({
      id,
      type,
      content,
      line: withValidity(content, validity),
    })),
    updates: updates.map(({ date, text }) => ({ date: date.slice(0, 10), text })),
    attached,
  }
}

async function namesOfAttachments(
  knowledge: ContextDependencies['knowledge'],
  { conversationId, question: { attachments = [] } }: ContextRequest,
): Promise<string[]> {
  if (conversationId === null || attachments.length === 0) return []
  const documents = await knowledge.attachments.of(conversationId)
  return documents
    .filter(({ id }) => attachments.includes(id))
    .map(({ filename, title }) => filename ?? title)
}

/**
 * Searches the documents. A continuation reuses the passages of the first attempt, because the answer cites their
 * numbers.
 */
async function retrievePassages(
  knowledge: ContextDependencies['knowledge'],
  request: ContextRequest,
  search: Pick<SearchQuery, 'layers' | 'context' | 'counts'> & {
    attachments: ConversationAttachments | undefined
  },
  signal: AbortSignal,
): Promise<{ citations: CitedPassage[]; answerable: Answerability | null }> {
  if (!request.useDocuments) return { citations: [], answerable: null }
  const grounding = await knowledge.contextPassages({
    ...search,
    aveeId: request.aveeId,
    query: request.question.content,
    words: maxPassageWords,
    wholeIfSmall: true,
    signal,
  })
  if (!request.begun) return { citations: numbered(grounding), answerable: grounding.answerable }
  const access = await accessTo([request.begun], request, knowledge)
  return {
    citations: request.begun.citations.filter((each) => isAvailable(showCitation(each, access))),
    answerable: grounding.answerable,
  }
}

/** Returns the turns whose documents are all still visible. */
async function visibleTurns(
  { knowledge }: Pick<ContextDependencies, 'knowledge'>,
  turns: RecalledTurn[],
  { layer, userId }: Pick<ContextRequest, 'layer' | 'userId'>,
): Promise<RetrievedTurn[]> {
  const current = await knowledge.layersOf(
    turns.flatMap(({ documents }) => documents),
    userId,
  )
  return turns
    .filter(({ documents }) => areVisible(documents, layer, current))
    .map(({ id, role, excerpt, createdAt }) => ({ id, role, content: excerpt, writtenAt: createdAt }))
}

const numbered = (grounding: ContextPassages): CitedPassage[] =>
  grounding.passages.map((passage, index) => toCitation(passage, index + 1))

/** Returns the newest summary and the visible turns after it. */
function fromSummary(rows: HistoryRow[]): { history: Turn[]; summary: string } {
  const last = rows.findLastIndex(({ summary }) => summary !== null)
  const history = rows.slice(last + 1).filter((row) => row.is_visible)
  return {
    history: history.map(({ id, role, content }) => ({ id, role, content })),
    summary: rows[last]?.summary ?? '',
  }
}

/** Returns a memory with the period in which it is valid. */
function withValidity(
  content: string,
  { valid_from, valid_until }: Pick<RecalledMemory, 'valid_from' | 'valid_until'>,
): string {
  const [from, until] = [valid_from, valid_until].map((time) => time?.toISOString().slice(0, 10))
  if (until !== undefined) return `${content} (until ${until}; no longer so)`
  return from === undefined ? content : `${content} (${from})`
}
