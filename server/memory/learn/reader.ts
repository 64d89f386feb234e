import type { Database, Trx } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder, Models } from '../../models/index.ts'
import { weighTurn } from '../recall/weigh-turn.ts'
import { insertMemoryVectors, likeMemories, memoriesToEmbed, wipeForgotten } from '../store/memories.ts'
import { isEnabled } from '../store/settings.ts'
import { insertTurnVectors, turnsToEmbed } from '../store/turn-recall.ts'
import {
  claimTurns,
  finishTurns,
  indexTurn,
  learningTurns,
  messagesOf,
  nextDueIn,
  type PendingTurn,
  releaseTurns,
  speakersOf,
  type TurnMessage,
} from '../store/turns.ts'
import { countWords, languageAmid, type Pair } from '../words.ts'
import { consolidate, type Told } from './consolidate.ts'
import { extractor, type KnownMemory, type OwnMessage } from './extract.ts'

export type ReaderParts = {
  database: Database
  models: Pick<Models, 'runInBackground' | 'embedder'>
  log: Log
  now: () => Date
  pace: ReaderPace
}

/** Milliseconds: how long a conversation has to be quiet, how long its first turn waits at most, how often it is looked for what others left. */
export type ReaderPace = { quietMs: number; longestMs: number; everyMs: number }

/** A node that has not read a turn by then is taken for dead: its turn is free again. */
const claimMs = 5 * 60_000
const turnsAtOnce = 8
/** After so many failures a turn is read by rules alone; after one more it is given up. */
const mostAttempts = 3
const knownForModel = 20
const embeddedAtOnce = 64
const embeddedPerRound = 20
const embeddingPatienceMs = 120_000
/** How long what was forgotten may be called back, in days. */
export const restorableDays = 7

/**
 * Reads turns in the background: what the person said of themselves becomes memories, and both messages can be found.
 *
 *     noted with the answer ──(quiet)──► claimed ──► read ──► memories, index and "done" in one transaction
 *                                          ▲                                  │
 *                                          └── another node, after a crash ◄──┘ (claim runs out)
 */
export function turnReader({ database, models, log, now, pace }: ReaderParts) {
  const { db } = database
  const closing = new AbortController()
  const extract = extractor({ models, log })
  let running: Promise<void> | undefined
  let again = false
  let timer: NodeJS.Timeout | undefined
  let wipedAt = 0

  async function ownMessages(turns: PendingTurn[], messages: TurnMessage[]): Promise<OwnMessage[]> {
    const byId = new Map(messages.map((message) => [message.id, message]))
    return turns.flatMap((turn): OwnMessage[] => {
      const message = byId.get(turn.message_id)
      if (!turn.learns || message?.role !== 'user' || turn.attempts > mostAttempts + 1) return []
      const model = turn.attempts > mostAttempts ? 'extractive' : (byId.get(turn.answer_id)?.model ?? null)
      return [
        { id: message.id, text: message.content, writtenAt: message.created_at, layer: turn.layer, model },
      ]
    })
  }

  async function knownOf(pair: Pair, messages: OwnMessage[]): Promise<KnownMemory[]> {
    const texts = messages.map((message) => message.text).join('\n')
    const { counts } = await countWords(pair, texts, languageAmid(texts, []))
    const like = { subject: 'self', attribute: 'name', terms: [...counts.keys()] }
    const rows = await likeMemories(db, pair, like, knownForModel * 2)
    return rows
      .filter((row) => row.valid_until === null || row.valid_until > now())
      .slice(0, knownForModel)
      .map((row) => ({ id: row.id, content: row.content, localOnly: row.local_only }))
  }

  async function index(trx: Trx, turns: PendingTurn[], messages: TurnMessage[]): Promise<void> {
    const [first] = turns
    if (!first) return
    const pair = { aveeId: first.avee_id, userId: first.user_id }
    const speakers = await speakersOf(trx, pair)
    const contents = messages.map((message) => message.content)
    for (const [i, message] of messages.entries()) {
      if (message.content.trim() === '') continue
      const language = languageAmid(message.content, contents.slice(Math.max(0, i - 3), i + 3))
      const { terms, vector } = await weighTurn(pair, {
        speaker: speakers[message.role],
        text: message.content,
        language,
      })
      if (terms.length === 0) continue
      const { conversation_id: conversationId } = first
      await indexTurn(trx, {
        ...pair,
        messageId: message.id,
        conversationId,
        layer: message.layer_used,
        language,
        terms,
        vector,
      })
    }
  }

  async function read(turns: PendingTurn[]): Promise<void> {
    const [first] = turns
    if (!first) return
    const pair = { aveeId: first.avee_id, userId: first.user_id }
    const messages = await messagesOf(
      db,
      turns.flatMap((turn) => [turn.message_id, turn.answer_id]),
    )
    const own = (await isEnabled(db, pair)) ? await ownMessages(turns, messages) : []
    const told = own.length === 0 ? [] : await extract(own, await knownOf(pair, own), closing.signal)
    await database.transaction(async (trx) => {
      // Asked again where it counts: what was switched off meanwhile learns nothing.
      const learns = told.length > 0 && (await isEnabled(trx, pair)) ? await stillWanted(trx, told) : []
      await consolidate(trx, pair, learns)
      await index(trx, turns, messages)
      await finishTurns(
        trx,
        turns.map((turn) => turn.message_id),
        now(),
      )
    })
  }

  /** Without what was told in turns that were told to be forgotten while they were read. */
  async function stillWanted(trx: Trx, told: Told[]): Promise<Told[]> {
    const learning = await learningTurns(
      trx,
      told.map((one) => one.messageId),
    )
    return told.filter((one) => learning.has(one.messageId))
  }

  /** Reads what may be read by now; of one conversation, whatever waits, quiet or not. */
  async function readAll(conversationId?: string): Promise<void> {
    const which = conversationId === undefined ? pace : { quietMs: 0, longestMs: 0, conversationId }
    for (;;) {
      closing.signal.throwIfAborted()
      const turns = await claimTurns(database, { ...which, claimMs, most: turnsAtOnce })
      if (turns.length === 0) return
      const ids = turns.map((turn) => turn.message_id)
      try {
        await read(turns)
      } catch (error) {
        await releaseTurns(db, ids)
        closing.signal.throwIfAborted()
        log.warn({ err: error, turns: ids.length }, 'turns could not be read; it is tried again')
        if (turns.some((turn) => turn.attempts > mostAttempts + 2)) {
          await database.transaction((trx) => finishTurns(trx, ids, now()))
        } else return
      }
    }
  }

  /** Gives memories and, where the model is on this machine, turns the vectors that they lack. */
  async function embed(): Promise<void> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(embeddingPatienceMs)])
    const embedder = await models.embedder(signal)
    if (!embedder) return
    const space = { model: embedder.space, remote: embedder.remote }
    for (let round = 0; round < embeddedPerRound; round++) {
      const memories = await memoriesToEmbed(db, space, embeddedAtOnce)
      const vectors = await vectorsOf(embedder, memories, signal)
      if (vectors.length > 0) await insertMemoryVectors(db, space, vectors)
      const turns = embedder.remote ? [] : await turnsToEmbed(db, embedder.space, embeddedAtOnce)
      const turnVectors = await vectorsOf(embedder, turns, signal)
      if (turnVectors.length > 0) await insertTurnVectors(db, embedder.space, turnVectors)
      if (memories.length < embeddedAtOnce && turns.length < embeddedAtOnce) return
    }
    again = true
  }

  async function loop(): Promise<void> {
    do {
      again = false
      try {
        await readAll()
        await embed()
        if (now().getTime() - wipedAt > 3_600_000) {
          wipedAt = now().getTime()
          await wipeForgotten(db, new Date(now().getTime() - restorableDays * 86_400_000))
        }
      } catch (error) {
        if (!closing.signal.aborted) log.warn({ err: error }, 'reading turns failed; it is tried again')
      }
    } while (again && !closing.signal.aborted)
    running = undefined
    if (closing.signal.aborted) return
    const due = await nextDueIn(db, pace.quietMs).catch(() => null)
    later(due === null ? pace.everyMs : Math.min(pace.everyMs, Math.max(due, pace.quietMs > 0 ? 50 : 10)))
  }

  function later(ms: number): void {
    if (closing.signal.aborted || running) return
    clearTimeout(timer)
    timer = setTimeout(wake, ms)
    timer.unref()
  }

  /** Looks for turns to read, now and until none is left that may be read. */
  function wake(): void {
    if (closing.signal.aborted) return
    clearTimeout(timer)
    again = true
    running ??= loop()
  }

  return {
    wake,
    /** Reads a conversation's turns without waiting for it to be quiet. */
    readNow: (conversationId: string): Promise<void> => readAll(conversationId),
    /** Reads until nothing waits any more, whatever pace is set: for tests and benches. */
    async settled(): Promise<void> {
      wake()
      for (;;) {
        await running
        const due = await nextDueIn(db, pace.quietMs)
        if (due === null) break
        await new Promise((resolve) => setTimeout(resolve, Math.min(due + 1, 200)))
        wake()
      }
      await running
    },
    async [Symbol.asyncDispose](): Promise<void> {
      closing.abort()
      clearTimeout(timer)
      await running
    },
  }
}

export type TurnReader = ReturnType<typeof turnReader>

async function vectorsOf<Item extends { id: string; content: string }>(
  embedder: Embedder,
  items: Item[],
  signal: AbortSignal,
): Promise<(Item & { vector: Float32Array })[]> {
  if (items.length === 0) return []
  const vectors = await embedder.embed(
    items.map((item) => item.content),
    'passage',
    signal,
  )
  return items.flatMap((item, i) => {
    const vector = vectors[i]
    return vector ? [{ ...item, vector }] : []
  })
}
