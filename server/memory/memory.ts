import { once } from 'node:events'
import type { DeletionReceipt } from '../../contract/deletions.ts'
import { type Layer, layersWithin } from '../../contract/layers.ts'
import type * as contract from '../../contract/memory.ts'
import type { MemoryType } from '../../contract/memory.ts'
import type { BodyOf } from '../../contract/operation.ts'
import type { Avees } from '../avees/index.ts'
import { type Database, newId, type Trx } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Log } from '../log.ts'
import type { Models } from '../models/index.ts'
import { decodeCursor, encodeCursor, pageOf } from '../paging.ts'
import { detectLanguage } from '../search/index.ts'
import { normalizeSlot, noteAttribute } from './consolidation/slots.ts'
import { keyForOneAvee, memoryNotFound, memoryOff, restoreExpired, secretNotKept } from './errors.ts'
import { requestLanguages } from './extraction/explicit-requests.ts'
import { byUser } from './extraction/extract.ts'
import { containsSecret } from './extraction/secrets.ts'
import { type MemoryPace, memoryJobs, turnJobs } from './jobs.ts'
import { memoryPolicy, type Viewer } from './policy.ts'
import { type FoundMemory, memoryRecall, type RecalledMemory, type RecallQuery } from './recall/memories.ts'
import {
  type RecalledTurn,
  type ScoredTurn,
  type TurnQuery,
  type TurnSearch,
  turnRecall,
} from './recall/turns.ts'
import {
  aveesWithMemories,
  countByLanguage,
  countFrom,
  countMemories,
  deleteMemories,
  deleteTrash,
  deleteVectors,
  findMemory,
  insertMemory,
  listMemories,
  listMemoriesOfConversation,
  lockMemories,
  lockPair,
  type MemoryRow,
  memoriesUsed,
  memoryPosition,
  moveOutOfTrash,
  moveToTrash,
  updateMemory,
  visibleMemories,
} from './store/memories.ts'
import { isEnabled, putSetting, settingsOf } from './store/settings.ts'
import { countTurns } from './store/turn-recall.ts'
import {
  cancelExtraction,
  cancelExtractionFrom,
  conversationOf,
  deleteTurns,
  indexTurns,
  insertUnanalyzed,
  insertUses,
} from './store/turns.ts'
import { memoryTerms, type Pair } from './terms.ts'
import { type PreparedTurn, prepareTurn, type Turn } from './turns/prepare-turn.ts'

export type MemoryDependencies = {
  database: Database
  models: Pick<Models, 'runInBackground' | 'embedder' | 'localOnly'>
  avees: Avees
  jobs: Jobs
  deletions: Deletions
  log: Log
  now?: () => Date
  pace?: Partial<MemoryPace>
}

export type MemoryList = { memories: MemoryRow[]; total: number; next_cursor: string | null }

type MemoryFilter = {
  query?: string | undefined
  type?: MemoryType | undefined
  includePast?: boolean
  inTrash?: boolean | undefined
}

const defaultPace: MemoryPace = { quietMs: 2_000, maxWaitMs: 30_000 }
const maxExported = 100_000
const maxQueryWords = 8
/** The maximum wait for extraction when the memories of a turn are requested. */
const extractionTimeoutMs = 1_500

/** Memories of avees about their users. Each memory belongs to one user and one avee and is not used for others. */
export function memory({
  database,
  models,
  avees,
  jobs,
  deletions,
  log,
  now = () => new Date(),
  pace,
}: MemoryDependencies) {
  const { db } = database
  const policy = memoryPolicy(avees)
  const recallDependencies = {
    database,
    log,
    now,
    embedder: (signal: AbortSignal) => models.embedder(signal),
  }
  const memoryIndex = memoryRecall(recallDependencies)
  const turnIndex = turnRecall(recallDependencies)
  const work = memoryJobs({ db, models, jobs, log, now, pace: { ...defaultPace, ...pace }, forget })

  deletions.onExpiry(deleteTrash)

  /** Moves memories to the trash, or deletes them permanently, also from the trash. */
  async function forget(
    trx: Trx,
    userId: string,
    which: { ids: string[] } | { aveeId: string },
    permanent = !deletions.hasTrash,
  ): Promise<DeletionReceipt> {
    const found = await lockMemories(trx, userId, which, { withTrash: permanent })
    const ids = found.map(({ id }) => id)
    if (!permanent && ids.length > 0)
      return await deletions.trash(trx, userId, (deletionId) => moveToTrash(trx, ids, deletionId))
    for (const [deletionId, rows] of Map.groupBy(found, (row) => row.deletion_id)) {
      const remove = () =>
        deleteMemories(
          trx,
          rows.map(({ id }) => id),
        )
      await (deletionId === null ? remove() : deletions.takeOut(trx, deletionId, remove))
    }
    return await deletions.record(trx, userId, ids.length > 0 ? { memories: ids.length } : {})
  }

  /** Finds a memory that the viewer has access to. @throws 404 */
  async function accessible(viewer: Viewer, id: string): Promise<MemoryRow> {
    const found = await findMemory(db, viewer.userId, id)
    if (!found || found.deletion_id !== null || !(await hasAccess(viewer, found))) throw memoryNotFound()
    return found
  }

  async function hasAccess(viewer: Viewer, { avee_id, layer }: MemoryRow): Promise<boolean> {
    return (await policy.accessTo(viewer, [avee_id])).some((access) => access.layer === layer)
  }

  async function list(
    viewer: Viewer,
    filter: MemoryFilter & { avee?: string | undefined },
    page: { limit: number; cursor?: string | undefined },
  ): Promise<MemoryList> {
    const aveeIds =
      filter.avee === undefined
        ? await aveesWithMemories(db, viewer.userId)
        : [(await avees.view(viewer, filter.avee)).avee.id]
    const stored = {
      userId: viewer.userId,
      access: await policy.accessTo(viewer, aveeIds),
      type: filter.type,
      inTrash: filter.inTrash,
      words: (filter.query ?? '').split(/\s+/).filter(Boolean).slice(0, maxQueryWords),
      includePast: filter.includePast ?? false,
    }
    const after = page.cursor === undefined ? undefined : decodeCursor(memoryPosition, page.cursor)
    const [rows, total] = await Promise.all([
      listMemories(db, stored, { limit: page.limit + 1, after }),
      countMemories(db, stored),
    ])
    const { page: memories, next } = pageOf(rows, page.limit, ({ pinned, id }) =>
      encodeCursor({ pinned, id }),
    )
    return { memories, total, next_cursor: next }
  }

  /** Returns the columns of a text that the user wrote. @throws 422 secret_not_kept */
  async function columnsOf(content: string) {
    if (containsSecret(content)) throw secretNotKept()
    const language = detectLanguage(content)
    const note = { subject: 'self', attribute: noteAttribute, value: content.toLowerCase() }
    return { content, language, ...(await normalizeSlot(note)) }
  }

  /** Prepares a memory that the user writes. @throws 409 memory_off, 422 secret_not_kept */
  async function prepareMemory(viewer: Viewer, memory: BodyOf<typeof contract.createMemory>) {
    const { avee, layer } = await avees.view(viewer, memory.avee)
    const pair = { aveeId: avee.id, userId: viewer.userId }
    if (!(await isEnabled(db, pair))) throw memoryOff()
    const columns = await columnsOf(memory.content)
    const terms = await memoryTerms(pair, columns)
    const [id, at] = [newId(), now()]
    const store = async (trx: Trx) => {
      await insertMemory(trx, {
        id,
        avee_id: avee.id,
        user_id: viewer.userId,
        type: memory.type,
        ...columns,
        ...byUser,
        layer,
        local_only: memory.local_only,
        edited: true,
        terms,
        valid_from: null,
        valid_until: null,
        last_confirmed_at: at,
        created_at: at,
      })
      await work.enqueueEmbedding(trx)
    }
    return { id, store }
  }

  return {
    /**
     * Returns memories for the prompt of an answer, the most useful first; none while memory is off. Takes a few
     * milliseconds. The texts are data, never instructions.
     */
    async recall(query: RecallQuery): Promise<RecalledMemory[]> {
      return await memoryIndex.recall(query, layersWithin(query.layer))
    },

    /** Selects the number of memories for `recall` by language. */
    counts: (query: Pair & Pick<RecallQuery, 'layer' | 'remote'>) =>
      countByLanguage(db, { ...query, layers: layersWithin(query.layer) }),

    /** Selects the number of messages for `recallTurns` by language. */
    turnCounts: countTurns,

    /** Returns earlier messages that match a query, the best first. Searches other conversations only while memory is on. */
    async recallTurns(query: TurnQuery): Promise<RecalledTurn[]> {
      if (!('conversationId' in query) && !(await isEnabled(db, query))) return []
      return await turnIndex.recallTurns(query)
    },

    /** Searches the memories of a user in these layers, the best first. */
    searchMemories: ({
      layers,
      ...query
    }: Pair & { layers: Layer[]; query: string; signal: AbortSignal }): Promise<FoundMemory[]> =>
      memoryIndex.search({ ...query, remote: false }, layers),

    /** Searches earlier messages, also while memory is off. */
    searchTurns: ({ layers, ...query }: TurnSearch & { layers: Layer[] }): Promise<ScoredTurn[]> =>
      turnIndex.searchTurns(query, layers),

    /** Prepares a turn for `recordTurn`, to keep its transaction short. */
    prepareTurn: (turn: Turn): Promise<PreparedTurn> => prepareTurn(db, turn),

    /** Indexes a turn in the transaction that stores its answer, and schedules the extraction of memories. */
    async recordTurn(trx: Trx, turn: PreparedTurn): Promise<void> {
      await Promise.all([
        indexTurns(trx, turn.rows, turn.userMessageId),
        insertUses(trx, { messageId: turn.messageId, userId: turn.userId, memoryIds: turn.recalled }),
        work.enqueueExtraction(trx, turn.conversationId),
      ])
    },

    /** Indexes the messages of an imported conversation for search; nothing is extracted from them. */
    async indexImported(trx: Trx, conversationId: string): Promise<void> {
      await insertUnanalyzed(trx, conversationId)
      await work.enqueueExtraction(trx, conversationId)
    },

    /**
     * Extracts from the conversation of a message now, and returns the number of memories from the message. Waits only
     * briefly, so memories that a language model is still extracting are not counted.
     */
    async extractNow(messageId: string, signal: AbortSignal): Promise<number> {
      const conversationId = await conversationOf(db, messageId)
      if (conversationId === undefined) return 0
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(extractionTimeoutMs)])
      const extracted = work.extractNow(conversationId, timeout).catch(() => undefined)
      await Promise.race([extracted, once(timeout, 'abort')])
      return await countFrom(db, messageId)
    },

    /** Resolves when all due extraction and embedding is done. */
    idle: (): Promise<void> => jobs.idle(turnJobs),

    /** Returns the memories in the prompts of answers, by message, except forgotten and inaccessible ones. */
    async usedIn(
      viewer: Viewer,
      aveeId: string,
      messageIds: string[],
    ): Promise<Map<string, { id: string; type: MemoryType; content: string }[]>> {
      const access = await policy.accessTo(viewer, [aveeId])
      const rows = await memoriesUsed(db, viewer.userId, messageIds, access)
      const byMessage = Map.groupBy(rows, (row) => row.message_id)
      return new Map(
        [...byMessage].map(([id, used]) => [id, used.map(({ message_id: _, ...memory }) => memory)]),
      )
    },

    /**
     * Deletes the memories that come from one conversation only, before it is deleted, or moves them to the trash with
     * it. Memories that the user has edited are kept.
     */
    async deleteByConversation(
      trx: Trx,
      { conversationId, ...pair }: Pair & { conversationId: string },
      deletionId?: string,
    ): Promise<void> {
      // Locks turns first, like the extraction, so that the memories of a finished extraction are visible here and a
      // running one stores none.
      await (deletionId === undefined ? deleteTurns : cancelExtractionFrom)(trx, conversationId)
      await lockPair(trx, pair)
      const ids = await listMemoriesOfConversation(trx, pair, conversationId)
      await (deletionId === undefined ? deleteMemories(trx, ids) : moveToTrash(trx, ids, deletionId))
    },

    /** Restores the memories that were moved to the trash with a conversation. */
    async restoreByDeletion(trx: Trx, deletionId: string): Promise<void> {
      await moveOutOfTrash(trx, { deletionId })
      await work.enqueueEmbedding(trx)
    },

    /** Returns which of these memories the viewer can still see. */
    async visibleAmong(viewer: Viewer, aveeId: string, ids: string[]): Promise<Set<string>> {
      if (ids.length === 0) return new Set()
      return await visibleMemories(db, viewer.userId, ids, await policy.accessTo(viewer, [aveeId]))
    },

    /** Lists the viewer's memories, pinned ones first, then the latest. `avee` is an id or a handle. */
    listMemories: list,

    /** Returns all of the viewer's memories, including past ones. */
    async exportMemories(viewer: Viewer, avee: string | undefined): Promise<MemoryRow[]> {
      return (await list(viewer, { avee, includePast: true }, { limit: maxExported })).memories
    },

    /** Prepares a memory that the user writes, for a transaction of the caller. @throws 409 memory_off, 422 secret_not_kept */
    prepareMemory,

    /** Stores a memory that the user wrote, at their current access layer. @throws 409 memory_off, 422 secret_not_kept */
    async createMemory(viewer: Viewer, memory: BodyOf<typeof contract.createMemory>): Promise<MemoryRow> {
      const { id, store } = await prepareMemory(viewer, memory)
      await database.transaction(store)
      return await accessible(viewer, id)
    },

    /** @throws 404 memory_not_found, 422 secret_not_kept */
    async updateMemory(
      viewer: Viewer,
      id: string,
      { content, ...changes }: BodyOf<typeof contract.updateMemory>,
    ): Promise<MemoryRow> {
      const before = await accessible(viewer, id)
      const isReworded = content !== undefined && content !== before.content
      const columns = isReworded ? await columnsOf(content) : undefined
      const pair = { aveeId: before.avee_id, userId: viewer.userId }
      const reworded = columns && {
        ...columns,
        // The slot is kept, so that a later statement can supersede the memory.
        subject: before.subject,
        attribute: before.attribute,
        terms: await memoryTerms(pair, columns),
        edited: true,
        confidence: byUser.confidence,
        last_confirmed_at: now(),
      }
      await database.transaction(async (trx) => {
        await updateMemory(trx, id, { ...changes, ...reworded }, now())
        if (isReworded) await deleteVectors(trx, id, 'all')
        else if (changes.local_only === true) await deleteVectors(trx, id, 'remote')
        await work.enqueueEmbedding(trx)
      })
      return await accessible(viewer, id)
    },

    /** Moves a memory to the trash, also an inaccessible one, or deletes it permanently, also from the trash. @throws 404 memory_not_found */
    async forgetMemory(viewer: Viewer, id: string, permanent?: boolean): Promise<DeletionReceipt> {
      const found = await findMemory(db, viewer.userId, id)
      const isFound = found && (permanent || found.deletion_id === null)
      if (!isFound || (viewer.aveeId !== null && viewer.aveeId !== found.avee_id)) throw memoryNotFound()
      return await database.transaction((trx) =>
        forget(trx, viewer.userId, { ids: [id] }, permanent || undefined),
      )
    },

    /** Moves all memories of an avee to the trash, including inaccessible ones, or deletes them permanently, and cancels pending extraction. */
    async forgetAll(viewer: Viewer, avee: string, permanent?: boolean): Promise<DeletionReceipt> {
      const aveeId = await policy.aveeId(viewer, avee)
      return await database.transaction(async (trx) => {
        await cancelExtraction(trx, viewer.userId, aveeId)
        return await forget(trx, viewer.userId, { aveeId }, permanent || undefined)
      })
    },

    /** @throws 404 memory_not_found */
    async restoreMemory(viewer: Viewer, id: string): Promise<MemoryRow> {
      const found = await findMemory(db, viewer.userId, id)
      if (!found || !(await hasAccess(viewer, found))) throw restoreExpired()
      const deletionId = found.deletion_id
      if (deletionId === null) return found
      await database.transaction(async (trx) => {
        if (!(await deletions.takeOut(trx, deletionId, () => moveOutOfTrash(trx, { id }))))
          throw restoreExpired()
        await work.enqueueEmbedding(trx)
      })
      return await accessible(viewer, id)
    },

    /** Returns whether memory is on, for all avees and for each, with the number of its memories. */
    async settings(viewer: Viewer) {
      const [rows, remembering] = await Promise.all([
        settingsOf(db, viewer.userId),
        aveesWithMemories(db, viewer.userId),
      ])
      const ids = [...new Set([...remembering, ...rows.flatMap((row) => row.avee_id ?? [])])]
      const each = await Promise.all(
        ids
          .filter((id) => viewer.aveeId === null || viewer.aveeId === id)
          .map(async (aveeId) => {
            const access = await policy.accessTo(viewer, [aveeId])
            const avee = access.length > 0 ? await avees.get(aveeId) : undefined
            const filter = { userId: viewer.userId, access, words: [], includePast: true }
            return {
              avee_id: aveeId,
              handle: avee?.handle ?? null,
              display_name: avee?.displayName ?? null,
              enabled: rows.find((row) => row.avee_id === aveeId)?.enabled ?? true,
              memories: await countMemories(db, filter),
            }
          }),
      )
      return {
        enabled: rows.find((row) => row.avee_id === null)?.enabled ?? true,
        rule_languages: requestLanguages,
        avees: each.toSorted((a, b) => b.memories - a.memories || a.avee_id.localeCompare(b.avee_id)),
      }
    },

    /** Turns memory on or off, for one avee or for all. Off stops recall and extraction at once; `forget` also forgets existing memories. */
    async setEnabled(viewer: Viewer, setting: BodyOf<typeof contract.updateMemorySettings>): Promise<void> {
      if (setting.avee === undefined && viewer.aveeId !== null) throw keyForOneAvee()
      // 404 for a hidden avee, because a stored setting would reveal that it exists.
      const aveeId = setting.avee === undefined ? null : (await avees.view(viewer, setting.avee)).avee.id
      const forgotten = setting.forget
        ? aveeId === null
          ? await aveesWithMemories(db, viewer.userId)
          : [aveeId]
        : []
      await database.transaction(async (trx) => {
        await putSetting(trx, viewer.userId, aveeId, setting.enabled)
        if (!setting.enabled || setting.forget) await cancelExtraction(trx, viewer.userId, aveeId)
        for (const each of forgotten) await forget(trx, viewer.userId, { aveeId: each })
      })
    },
  }
}

export type Memory = ReturnType<typeof memory>
