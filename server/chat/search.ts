import type { Layer } from '../../contract/layers.ts'
import type { Database } from '../db/index.ts'
import { areVisible, type Knowledge } from '../knowledge/index.ts'
import type { Memory } from '../memory/index.ts'
import { findTitles } from './store/conversations.ts'

export type ConversationQuery = {
  userId: string
  aveeId: string
  /** The highest layer that the user may see; `layers` are those that are searched. */
  viewerLayer: Layer
  layers: Layer[]
  query: string
  /** When the message was written; `to` is exclusive. */
  from?: Date | undefined
  to?: Date | undefined
  limit: number
  signal: AbortSignal
}

/** A conversation with its best message, or without one if its title matches. */
export type FoundConversation = {
  id: string
  title: string | null
  message: { id: string; role: 'user' | 'assistant' } | null
  text: string
  /** The share of the query's words in the message; 1 for a title, which contains all of them. */
  score: number
  layer: Layer
  createdAt: Date
}

/** Several messages of a conversation match. */
const messagesPerConversation = 4

/** Searches the conversations of a user with an avee. Answers based on a document that is not visible are left out. */
export const conversationSearch =
  ({
    database: { db },
    knowledge,
    memory,
  }: {
    database: Database
    knowledge: Pick<Knowledge, 'layersOf'>
    memory: Pick<Memory, 'searchTurns'>
  }) =>
  async (query: ConversationQuery): Promise<FoundConversation[]> => {
    const turns = await memory.searchTurns({ ...query, limit: query.limit * messagesPerConversation })
    const [current, titles] = await Promise.all([
      knowledge.layersOf(
        turns.flatMap(({ documents }) => documents),
        query.userId,
      ),
      findTitles(db, { ...query, ids: turns.map(({ conversationId }) => conversationId) }),
    ])
    const found = new Map<string, FoundConversation>()
    for (const { id, conversationId, role, excerpt, documents, ...turn } of turns) {
      const conversation = titles.get(conversationId)
      const isVisible = areVisible(documents, query.viewerLayer, current)
      if (!isVisible || !conversation || found.has(conversationId)) continue
      const { title } = conversation
      found.set(conversationId, { ...turn, id: conversationId, title, message: { id, role }, text: excerpt })
    }
    for (const [id, { title, hasWords, layer, updatedAt }] of titles)
      if (hasWords && !found.has(id))
        found.set(id, { id, title, message: null, text: title ?? '', score: 1, layer, createdAt: updatedAt })
    return [...found.values()].sort((a, b) => b.score - a.score).slice(0, query.limit)
  }
