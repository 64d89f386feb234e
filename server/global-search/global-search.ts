import * as z from 'zod/mini'
import type { Answerability } from '../../contract/knowledge.ts'
import { layersWithin } from '../../contract/layers.ts'
import { endOf } from '../../contract/moment.ts'
import type { BodyOf } from '../../contract/operation.ts'
import type { SearchResult, search as searchOperation } from '../../contract/search.ts'
import { createSnippet, plainText } from '../../contract/snippet.ts'
import { type Avees, avatarPath } from '../avees/index.ts'
import type { Chat, FoundConversation } from '../chat/index.ts'
import type { Database } from '../db/index.ts'
import type { Caller } from '../http/caller.ts'
import type { Hit, Knowledge } from '../knowledge/index.ts'
import type { FoundMemory, Memory } from '../memory/index.ts'
import { decodeCursor, encodeCursor, pageOf } from '../paging.ts'
import { listSearchedAvees, type SearchedAvee } from './store.ts'

/** Limits the work of one search: each avee takes about ten statements. */
const maxAvees = 50
const maxResultsOfKind = 100
const position = z.object({ offset: z.int().check(z.minimum(0), z.maximum(3 * maxResultsOfKind)) })

type Unshown<Result> = Result extends SearchResult
  ? Omit<Result, 'avee' | 'snippet' | 'created_at'> & { created_at: Date; aveeId: string }
  : never

/** Searches the documents, conversations and memories of all avees that a user may see now. */
export function globalSearch({
  database: { db },
  avees,
  knowledge,
  memory,
  chat,
}: {
  database: Database
  avees: Pick<Avees, 'view'>
  knowledge: Pick<Knowledge, 'searchAvees'>
  memory: Pick<Memory, 'searchMemories'>
  chat: Pick<Chat, 'search'>
}) {
  async function aveesOf(caller: Caller, idOrHandle: string | undefined): Promise<SearchedAvee[]> {
    const only = idOrHandle ?? caller.aveeId
    if (only === null) return await listSearchedAvees(db, caller.userId, maxAvees)
    const { avee, layer } = await avees.view(caller, only)
    const { id, handle, displayName } = avee
    return [{ id, handle, display_name: displayName, avatar: avatarPath(avee), layer }]
  }

  return async function search(caller: Caller, request: BodyOf<typeof searchOperation>, signal: AbortSignal) {
    const { query, type, avee, limit, cursor } = request
    const scope = request.scope ?? (avee === undefined ? 'all' : 'documents')
    const offset = cursor === undefined ? 0 : decodeCursor(position, cursor).offset
    const layersOf = ({ layer }: SearchedAvee) =>
      layersWithin(layer).filter((each) => request.layer === undefined || each === request.layer)
    const searched = (await aveesOf(caller, avee)).filter((each) => layersOf(each).length > 0)
    const from = request.from === undefined ? undefined : new Date(request.from)
    const to = request.to === undefined ? undefined : endOf(request.to)
    const common = { query, limit: Math.min(offset + limit + 1, maxResultsOfKind), signal }
    const { userId } = caller

    async function searchDocuments(): Promise<{ hits: Hit[]; answerable: Answerability }> {
      if (scope !== 'all' && scope !== 'documents') return { hits: [], answerable: 'no' }
      const scopes = searched.map((each) => ({ aveeId: each.id, layers: layersOf(each) }))
      const isFiltered = type !== undefined || from !== undefined || to !== undefined
      return await knowledge.searchAvees(scopes, {
        ...common,
        filter: isFiltered ? { type, from, to } : undefined,
      })
    }

    async function searchConversations() {
      const found: (FoundConversation & { aveeId: string })[] = []
      if ((scope !== 'all' && scope !== 'conversations') || type !== undefined) return found
      for (const each of searched) {
        const pair = { userId, aveeId: each.id, layers: layersOf(each), viewerLayer: each.layer }
        for (const one of await chat.search({ ...common, ...pair, from, to }))
          found.push({ ...one, aveeId: each.id })
      }
      return found
    }

    async function searchMemories(): Promise<FoundMemory[]> {
      const found: FoundMemory[] = []
      if (scope !== 'all' && scope !== 'memories') return found
      for (const each of searched)
        found.push(
          ...(await memory.searchMemories({
            userId,
            aveeId: each.id,
            layers: layersOf(each),
            query,
            signal,
          })),
        )
      return found.filter(
        (one) =>
          (type === undefined || one.type === type) &&
          (from === undefined || one.created_at >= from) &&
          (to === undefined || one.created_at < to),
      )
    }

    const [documents, conversations, memories] = await Promise.all([
      searchDocuments(),
      searchConversations(),
      searchMemories(),
    ])
    const ranked = [
      documents.hits.map(fromHit),
      conversations.map(fromConversation),
      memories.map(fromMemory),
    ]
      .flatMap((results) => results.sort((a, b) => b.score - a.score).slice(0, common.limit))
      .sort((a, b) => b.score - a.score)
    const { page, next } = pageOf(ranked.slice(offset), limit, () => encodeCursor({ offset: offset + limit }))
    const byId = new Map(searched.map(({ layer: _, ...each }) => [each.id, each]))
    return {
      query,
      results: page.flatMap(({ aveeId, ...result }) => {
        const shown = byId.get(aveeId)
        return shown ? { ...result, avee: shown, snippet: snippetOf(result.text, query) } : []
      }),
      answerable: documents.answerable,
      next_cursor: next,
    }
  }
}

export type GlobalSearch = ReturnType<typeof globalSearch>

const snippetOf = (text: string, query: string) =>
  createSnippet(plainText(text), query).map(({ text: part, isMatch }) => ({ text: part, is_match: isMatch }))

type Found = Unshown<SearchResult>

const fromHit = ({ documentId, n, createdAt, ...hit }: Hit): Found => ({
  ...hit,
  kind: 'document',
  document_id: documentId,
  passage: n,
  created_at: createdAt,
})

const fromConversation = ({
  id,
  message,
  createdAt,
  aveeId,
  title,
  text,
  score,
  layer,
}: FoundConversation & { aveeId: string }): Found => ({
  kind: 'conversation',
  conversation_id: id,
  message_id: message?.id ?? null,
  role: message?.role ?? null,
  title,
  text,
  score,
  layer,
  created_at: createdAt,
  aveeId,
})

const fromMemory = ({ id, avee_id, type, content, score, layer, created_at }: FoundMemory): Found => ({
  kind: 'memory',
  memory_id: id,
  type,
  text: content,
  score,
  layer,
  created_at,
  aveeId: avee_id,
})
