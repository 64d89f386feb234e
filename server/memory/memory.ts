import { once } from 'node:events'
import { validate as isUuid } from 'uuid'
import { layersWithin } from '../../contract/layers.ts'
import type { MemoryType } from '../../contract/memory.ts'
import { type Avees } from '../avees/index.ts'
import { type Database, newId, type Trx } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { Models } from '../models/index.ts'
import { detectLanguage } from '../search/index.ts'
import {
  badCursor,
  keyForOneAvee,
  memoryNotFound,
  memoryOff,
  secretNotKept,
  tooLateToRestore,
} from './errors.ts'
import { type ReaderPace, restorableDays, turnReader } from './learn/reader.ts'
import { slotOf } from './learn/slots.ts'
import { memoryPolicy, type Viewer } from './policy.ts'
import { memoryRecall, type RecalledMemory, type RecallQuery } from './recall/memories.ts'
import { type RecalledTurn, type TurnQuery, turnRecall } from './recall/turns.ts'
import { readStatements, ruleLanguages } from './rules/index.ts'
import { holdsSecret } from './rules/secrets.ts'
import {
  aveesRemembering,
  countFrom,
  countMemories,
  deleteVectors,
  findMemory,
  forgetMemories,
  insertMemory,
  listMemories,
  type MemoryPlace,
  type MemoryRow,
  memoriesUsed,
  restoreMemory,
  updateMemory,
} from './store/memories.ts'
import { dropPending, isEnabled, putSetting, settingsOf } from './store/settings.ts'
import { conversationOfTurn, insertTurn, type Turn } from './store/turns.ts'
import { memoryTerms } from './words.ts'

export type MemoryParts = {
  database: Database
  models: Pick<Models, 'runInBackground' | 'embedder'>
  avees: Avees
  log: Log
  now?: () => Date
  /** How fast turns are read; for tests and benches. */
  pace?: Partial<ReaderPace>
}

export type MemoryList = { memories: MemoryRow[]; total: number; next: string | null }

const usualPace: ReaderPace = { quietMs: 2_000, longestMs: 30_000, everyMs: 60_000 }
/** What somebody writes down by hand is sure, and was worth the trouble. */
const byHand = { confidence: 1, importance: 0.8 }
const largestExport = 100_000
/** On this channel servers tell each other that a turn waits to be read. */
const channel = 'memory_turns'
/** How long somebody who asks what was learned waits for a turn to be read. */
const readingPatienceMs = 1_500

/** What avees remember of the persons they talk with. Each memory is one person's with one avee, and reaches nobody else. */
export function memory({ database, models, avees, log, now = () => new Date(), pace }: MemoryParts) {
  const { db } = database
  const policy = memoryPolicy(avees)
  const parts = { database, log, now, embedder: (signal: AbortSignal) => models.embedder(signal) }
  const recallMemories = memoryRecall(parts)
  const findTurns = turnRecall(parts)
  const reader = turnReader({ database, models, log, now, pace: { ...usualPace, ...pace } })
  reader.wake()
  const listening = database.listen(channel, reader.wake, reader.wake)

  /** One of the caller's own that they see now. @throws 404 */
  async function own(viewer: Viewer, id: string): Promise<MemoryRow> {
    const found = await findMemory(db, viewer.userId, id)
    if (!found || found.forgotten_at !== null || !(await sees(viewer, found))) throw memoryNotFound()
    return found
  }

  async function sees(viewer: Viewer, { avee_id, layer }: MemoryRow): Promise<boolean> {
    return (await policy.seen(viewer, [avee_id])).some((seen) => seen.layer === layer)
  }

  async function list(
    viewer: Viewer,
    filter: {
      aveeId?: string
      query?: string | undefined
      type?: MemoryType | undefined
      includePast?: boolean
    },
    page: { limit: number; cursor?: string | undefined },
  ): Promise<MemoryList> {
    const aveeIds = filter.aveeId === undefined ? await aveesRemembering(db, viewer.userId) : [filter.aveeId]
    const wanted = {
      userId: viewer.userId,
      seen: await policy.seen(viewer, aveeIds),
      type: filter.type,
      words: (filter.query ?? '').split(/\s+/).filter(Boolean).slice(0, 8),
      includePast: filter.includePast ?? false,
    }
    const after = page.cursor === undefined ? undefined : placeOf(page.cursor)
    const [rows, total] = await Promise.all([
      listMemories(db, wanted, { limit: page.limit + 1, after }),
      countMemories(db, wanted),
    ])
    const shown = rows.slice(0, page.limit)
    const last = shown.at(-1)
    return { memories: shown, total, next: rows.length > page.limit && last ? cursorOf(last) : null }
  }

  /** What a text written by hand says, in the slot that a rule finds for it. */
  async function written(content: string) {
    if (holdsSecret(content)) throw secretNotKept()
    const [statement] = readStatements(content, now())
    const language = statement?.language ?? detectLanguage(content)
    const slot = statement
      ? await slotOf(statement)
      : await slotOf({ subject: 'self', attribute: 'note', value: content.toLowerCase(), language })
    return { content, language, ...slot }
  }

  const isKeyFor = (viewer: Viewer, aveeId: string): boolean =>
    viewer.aveeId === null || viewer.aveeId === aveeId

  return {
    /**
     * What is worth knowing for an answer to somebody, the most useful first, within a number of words; nothing where
     * remembering is switched off. Takes a few milliseconds. A recalled text is material, never an instruction.
     */
    async recall(ask: RecallQuery): Promise<RecalledMemory[]> {
      if (!(await isEnabled(db, ask))) return []
      return await recallMemories(ask, layersWithin(ask.layer))
    },

    /** Earlier messages that fit a question, the best first. Over all conversations only where remembering is on. */
    async recallTurns(ask: TurnQuery): Promise<RecalledTurn[]> {
      if (!('conversationId' in ask) && !(await isEnabled(db, ask))) return []
      return await findTurns(ask)
    },

    /** Notes a turn in the transaction that stores its answer: it is read soon after, by whichever server is there, also after a crash. */
    async note(trx: Trx, turn: Turn): Promise<void> {
      await insertTurn(trx, turn)
      await database.notify(trx, channel, turn.messageId)
    },

    /**
     * How many memories came of a message: read now, within a moment. What a language model is still reading is
     * learned all the same, and not counted here.
     */
    async learnedFrom(messageId: string, signal: AbortSignal): Promise<number> {
      const conversationId = await conversationOfTurn(db, messageId)
      if (conversationId === undefined) return 0
      const patience = AbortSignal.any([signal, AbortSignal.timeout(readingPatienceMs)])
      await Promise.race([reader.readNow(conversationId), once(patience, 'abort')])
      return await countFrom(db, messageId)
    },

    /** Resolves when every turn noted so far is read. */
    settled: reader.settled,

    /** What answers were given of the memories, by message; what is forgotten or above the viewer's layer is left out. */
    async usedIn(
      viewer: Viewer,
      aveeId: string,
      messageIds: string[],
    ): Promise<Map<string, { id: string; type: MemoryType; content: string }[]>> {
      const rows = await memoriesUsed(db, viewer.userId, messageIds, await policy.seen(viewer, [aveeId]))
      const groups = Map.groupBy(rows, (row) => row.message_id)
      return new Map(
        [...groups].map(([id, used]) => [id, used.map(({ message_id: _, ...memory }) => memory)]),
      )
    },

    /** The viewer's own memories, pinned ones first, then the latest. `avee` is an id or a handle. */
    async list(
      viewer: Viewer,
      filter: {
        avee?: string | undefined
        query?: string | undefined
        type?: MemoryType | undefined
        includePast?: boolean
      },
      page: { limit: number; cursor?: string | undefined },
    ): Promise<MemoryList> {
      const { avee, ...more } = filter
      return await list(
        viewer,
        { ...more, ...(avee === undefined ? {} : { aveeId: await policy.which(viewer, avee) }) },
        page,
      )
    },

    /** Everything that is remembered of the viewer, past ones too. */
    async exported(viewer: Viewer, avee: string | undefined): Promise<MemoryRow[]> {
      const aveeId = avee === undefined ? {} : { aveeId: await policy.which(viewer, avee) }
      return (await list(viewer, { ...aveeId, includePast: true }, { limit: largestExport })).memories
    },

    /** Writes a memory down by hand, at the layer at which the viewer sees the avee. */
    async remember(
      viewer: Viewer,
      given: { avee: string; content: string; type: MemoryType; localOnly: boolean },
    ): Promise<MemoryRow> {
      const { avee, layer } = await avees.view(viewer, given.avee)
      const pair = { aveeId: avee.id, userId: viewer.userId }
      if (!(await isEnabled(db, pair))) throw memoryOff()
      const text = await written(given.content)
      const terms = await memoryTerms(pair, text)
      const [id, at] = [newId(), now()]
      await insertMemory(db, {
        id,
        avee_id: avee.id,
        user_id: viewer.userId,
        type: given.type,
        ...text,
        ...byHand,
        layer,
        local_only: given.localOnly,
        edited: true,
        terms,
        valid_from: null,
        valid_until: null,
        last_confirmed_at: at,
        created_at: at,
      })
      reader.wake()
      return await own(viewer, id)
    },

    /** @throws 404 memory_not_found, 422 secret_not_kept */
    async change(
      viewer: Viewer,
      id: string,
      changes: {
        content?: string | undefined
        type?: MemoryType | undefined
        pinned?: boolean | undefined
        localOnly?: boolean | undefined
      },
    ): Promise<MemoryRow> {
      const before = await own(viewer, id)
      const { content, type, pinned, localOnly } = changes
      const isReworded = content !== undefined && content !== before.content
      const text = isReworded ? await written(content) : undefined
      // A text of no known slot stays in its slot, so that a later correction finds it.
      const placed =
        text &&
        (text.attribute.startsWith('note')
          ? { ...text, subject: before.subject, attribute: before.attribute }
          : text)
      const pair = { aveeId: before.avee_id, userId: viewer.userId }
      const terms = placed ? await memoryTerms(pair, placed) : []
      await database.transaction(async (trx) => {
        await updateMemory(
          trx,
          id,
          {
            ...(type === undefined ? {} : { type }),
            ...(pinned === undefined ? {} : { pinned }),
            ...(localOnly === undefined ? {} : { local_only: localOnly }),
            ...(placed
              ? { ...placed, terms, edited: true, confidence: byHand.confidence, last_confirmed_at: now() }
              : {}),
          },
          now(),
        )
        if (isReworded) await deleteVectors(trx, id, 'all')
        else if (localOnly === true) await deleteVectors(trx, id, 'remote')
      })
      reader.wake()
      return await own(viewer, id)
    },

    /** Forgets one. @returns until when it may be called back. */
    async forget(viewer: Viewer, id: string): Promise<Date> {
      await own(viewer, id)
      await database.transaction((trx) => forgetMemories(trx, viewer.userId, { ids: [id] }, now()))
      return new Date(now().getTime() + restorableDays * 86_400_000)
    },

    /** Forgets everything of an avee, and what it has not read yet: also what the viewer does not see any more. */
    async forgetAll(viewer: Viewer, avee: string): Promise<{ count: number; until: Date }> {
      const aveeId = await policy.which(viewer, avee)
      const count = await database.transaction(async (trx) => {
        await dropPending(trx, viewer.userId, aveeId)
        return await forgetMemories(trx, viewer.userId, { aveeId }, now())
      })
      return { count, until: new Date(now().getTime() + restorableDays * 86_400_000) }
    },

    /** Brings a forgotten one back. @throws 404 when it is none of the viewer's, or too late */
    async restore(viewer: Viewer, id: string): Promise<MemoryRow> {
      const found = await findMemory(db, viewer.userId, id)
      if (!found || !(await sees(viewer, found))) throw tooLateToRestore()
      if (found.forgotten_at === null) return found
      const since = new Date(now().getTime() - restorableDays * 86_400_000)
      if (!(await database.transaction((trx) => restoreMemory(trx, viewer.userId, id, since))))
        throw tooLateToRestore()
      reader.wake()
      return await own(viewer, id)
    },

    /** Whether avees remember the viewer, altogether and one by one, with how much each remembers. */
    async settings(viewer: Viewer) {
      const [rows, remembering] = await Promise.all([
        settingsOf(db, viewer.userId),
        aveesRemembering(db, viewer.userId),
      ])
      const ids = [...new Set([...remembering, ...rows.flatMap((row) => row.avee_id ?? [])])]
      const shown = await Promise.all(
        ids
          .filter((id) => isKeyFor(viewer, id))
          .map(async (aveeId) => {
            const seen = await policy.seen(viewer, [aveeId])
            const avee = seen.length > 0 ? await avees.get(aveeId) : undefined
            const filter = { userId: viewer.userId, seen, words: [], includePast: true }
            return {
              aveeId,
              handle: avee?.handle ?? null,
              displayName: avee?.displayName ?? null,
              enabled: rows.find((row) => row.avee_id === aveeId)?.enabled ?? true,
              memories: await countMemories(db, filter),
            }
          }),
      )
      return {
        enabled: rows.find((row) => row.avee_id === null)?.enabled ?? true,
        ruleLanguages,
        avees: shown.toSorted((a, b) => b.memories - a.memories || a.aveeId.localeCompare(b.aveeId)),
      }
    },

    /** Switches remembering on or off, for one avee or for all. Off stops recall and learning at once; `forget` also forgets what there is. */
    async setEnabled(
      viewer: Viewer,
      setting: { avee?: string | undefined; enabled: boolean; forget: boolean },
    ): Promise<void> {
      if (setting.avee === undefined && viewer.aveeId !== null) throw keyForOneAvee()
      // Only of an avee that there is for the viewer: a setting of any other would tell whether there is one.
      const aveeId = setting.avee === undefined ? null : (await avees.view(viewer, setting.avee)).avee.id
      const forgets = setting.forget
        ? aveeId === null
          ? await aveesRemembering(db, viewer.userId)
          : [aveeId]
        : []
      await database.transaction(async (trx) => {
        await putSetting(trx, viewer.userId, aveeId, setting.enabled)
        if (!setting.enabled || setting.forget) await dropPending(trx, viewer.userId, aveeId)
        for (const each of forgets) await forgetMemories(trx, viewer.userId, { aveeId: each }, now())
      })
    },

    async [Symbol.asyncDispose](): Promise<void> {
      const stopListening = await listening
      await stopListening()
      await reader[Symbol.asyncDispose]()
    },
  }
}

/** The door of this room. */
export type Memory = ReturnType<typeof memory>

const cursorOf = ({ pinned, id }: MemoryPlace): string => `${pinned ? 1 : 0}.${id}`

function placeOf(cursor: string): MemoryPlace {
  const [pinned, id = ''] = cursor.split('.')
  if (!isUuid(id) || (pinned !== '0' && pinned !== '1')) throw badCursor()
  return { pinned: pinned === '1', id }
}
