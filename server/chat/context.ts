import type { Citation } from '../../contract/chat.ts'
import { isWithin, type Layer, layersWithin } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { Database } from '../db/index.ts'
import { type Insight, summaryWithin } from '../insight/index.ts'
import type { ContextPassages, Knowledge } from '../knowledge/index.ts'
import type { Memory, RecalledMemory } from '../memory/index.ts'
import type { Turn } from './prompt.ts'
import { listBranch, type MessageRow } from './store.ts'

export type ContextDependencies = {
  database: Database
  knowledge: Pick<Knowledge, 'contextPassages'>
  memory: Pick<Memory, 'recall' | 'recallTurns'>
  insight: Pick<Insight, 'freshUpdates' | 'summaryFor'>
}

export type ContextRequest = {
  userId: string
  aveeId: string
  conversationId: string
  question: MessageRow
  answer: MessageRow
  /** How far the person may see at this moment. */
  layer: Layer
  /** True when the prompt goes to another machine. */
  remote: boolean
  useDocuments: boolean
  /** Given by the client, instead of the conversation's own. */
  history: Turn[] | undefined
  /** What an earlier attempt has already told of the answer. */
  emitted: string
}

/** What an answer is made from, besides the question and the persona. */
export type TurnContext = {
  /** What was said before `history`, in short; empty where that begins the conversation. */
  summary: string
  history: Turn[]
  retrievedTurns: Turn[]
  citations: Citation[]
  answerable: boolean
  memories: (UsedMemory & { line: string })[]
  updates: { date: string; text: string }[]
}

/** From so many earlier messages on, those that fit the question are looked for as well. */
const longConversation = 12
const olderMessages = 6
/** As many words of passages, and of memories, as an answer is given. */
const maxPassageWords = 1_000
const maxMemoryWords = 150

/** Gathers it side by side. Layers are arguments of every search: nothing above the present one is ever in hand. */
export async function gatherContext(
  rooms: ContextDependencies,
  about: ContextRequest,
  signal: AbortSignal,
): Promise<TurnContext> {
  const { aveeId, userId, layer } = about
  const within = layersWithin(layer)
  const { history, summary } = about.history
    ? { history: about.history, summary: '' }
    : await earlierTurns(rooms, about.question, layer)
  const query = about.question.content
  const context = history.filter(({ role }) => role === 'user').map(({ content }) => content)

  const isLong = about.history === undefined && (history.length >= longConversation || summary !== '')
  const [grounding, memories, older, updates] = await Promise.all([
    ground(rooms.knowledge, about, within, context, signal),
    rooms.memory.recall({
      aveeId,
      userId,
      layer,
      query,
      context,
      words: maxMemoryWords,
      remote: about.remote,
      signal,
    }),
    isLong
      ? rooms.memory.recallTurns({
          conversationId: about.conversationId,
          layer,
          query,
          context,
          ...(about.question.parent_id === null ? {} : { leafId: about.question.parent_id }),
          limit: olderMessages,
          signal,
        })
      : [],
    rooms.insight.freshUpdates({ aveeId, layers: within, now: new Date() }),
  ])
  return {
    summary,
    history,
    retrievedTurns: older.map(({ id, role, content }) => ({ id, role, content })),
    ...grounding,
    memories: memories.map(({ id, type, content, ...times }) => ({
      id,
      type,
      content,
      line: dated(content, times),
    })),
    updates: updates.map(({ date, text }) => ({ date: date.toISOString().slice(0, 10), text })),
  }
}

/** Passages to answer from: those noted by an earlier attempt, so that numbers already said stay true; else a search. */
async function ground(
  knowledge: ContextDependencies['knowledge'],
  about: ContextRequest,
  within: Layer[],
  context: string[],
  signal: AbortSignal,
): Promise<{ citations: Citation[]; answerable: boolean }> {
  if (!about.useDocuments) return { citations: [], answerable: false }
  if (about.emitted !== '')
    return {
      citations: about.answer.citations.filter((citation) => within.includes(citation.layer)),
      answerable: true,
    }
  const found = await knowledge.contextPassages({
    aveeId: about.aveeId,
    layers: within,
    query: about.question.content,
    context,
    words: maxPassageWords,
    signal,
  })
  return { citations: numbered(found), answerable: found.answerable }
}

const numbered = (grounding: ContextPassages): Citation[] =>
  grounding.passages.map((passage, index) => ({
    n: index + 1,
    document_id: passage.documentId,
    title: passage.title,
    filename: passage.filename,
    page: passage.page,
    heading: passage.heading,
    passage: passage.n,
    start: passage.start,
    end: passage.end,
    text: passage.text,
    score: passage.score,
    layer: passage.layer,
    cited: false,
  }))

/**
 * The turns above the question in its branch, and what was said before them where that is summed up. What of them fits
 * is decided by tokens. Answers that were made at a wider layer than now do not come back.
 */
async function earlierTurns(
  { database: { db }, insight }: Pick<ContextDependencies, 'database' | 'insight'>,
  question: MessageRow,
  layer: Layer,
): Promise<{ history: Turn[]; summary: string }> {
  if (!question.parent_id) return { history: [], summary: '' }
  const messages = await listBranch(db, question.parent_id, summaryWithin)
  const ids = messages.map(({ id }) => id)
  const summary = messages.length < longConversation ? undefined : await insight.summaryFor(ids, layer)
  const history = messages
    .slice(summary ? ids.indexOf(summary.messageId) + 1 : 0)
    .filter((message) => message.content !== '' && message.status !== 'streaming')
    .filter((message) => message.role === 'user' || isWithin(message.layer_used, layer))
    .map(({ id, role, content }) => ({ id, role, content }))
  return { history, summary: summary?.text ?? '' }
}

const dated = (
  content: string,
  { validFrom, validUntil }: Pick<RecalledMemory, 'validFrom' | 'validUntil'>,
) => {
  const [from, until] = [validFrom, validUntil].map((time) => time?.toISOString().slice(0, 10))
  if (until !== undefined) return `${content} (until ${until}; no longer so)`
  return from === undefined ? content : `${content} (${from})`
}
