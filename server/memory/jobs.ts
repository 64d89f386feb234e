import type { Db, Trx } from '../db/index.ts'
import type { JobContext, Jobs } from '../jobs/index.ts'
import type { Log } from '../log.ts'
import type { Embedder, Models } from '../models/index.ts'
import { consolidate, type Forget, forgetRequested } from './consolidation/consolidate.ts'
import type { Statement } from './consolidation/statement.ts'
import { extractRequests, extractStatements, type KnownMemory } from './extraction/extract.ts'
import { insertMemoryVectors, memoriesToEmbed, relatedMemories } from './store/memories.ts'
import { insertTurnVectors, turnsToEmbed } from './store/turn-recall.ts'
import {
  finishExtraction,
  indexTurns,
  lockAwaiting,
  turnsAwaitingExtraction,
  type UserMessage,
  unanalyzedTurns,
} from './store/turns.ts'
import { countTerms, languageAmong, type Pair } from './terms.ts'
import { analyze } from './turns/prepare-turn.ts'

export type MemoryJobsDependencies = {
  db: Db
  models: Pick<Models, 'runInBackground' | 'embedder' | 'localOnly'>
  jobs: Jobs
  log: Log
  now: () => Date
  pace: MemoryPace
  forget: Forget
}

/** Extraction starts when a conversation has been idle for `quietMs`, at most `maxWaitMs` after its first turn. */
export type MemoryPace = { quietMs: number; maxWaitMs: number }

const extraction = 'memory-extraction'
const embedding = 'memory-embedding'
/** Kinds of jobs that follow a turn. */
export const turnJobs = [extraction, embedding]

const maxAttempts = 4
/** Limits the prompt of one extraction. */
const maxTurns = 8
const maxKnown = 20
const embeddingBatch = 64
const embeddingBatchesPerJob = 20
/** Timeout of one job; the next one continues. */
const embeddingTimeoutMs = 120_000
/**
 * The job that finds memories and turns without vectors, because the embedding model was unavailable or has changed.
 */
const embeddingEveryMs = 60_000

/** Registers the background work of memory: extraction per conversation, and embedding. */
export function memoryJobs({ db, models, jobs, log, now, pace, forget }: MemoryJobsDependencies) {
  jobs.register<{ conversationId: string }>(extraction, {
    concurrency: 4,
    maxAttempts,
    async run({ conversationId }, context) {
      await analyzeMigrated(conversationId, context)
      while (await extractBatch(conversationId, context)) context.signal.throwIfAborted()
    },
  })
  jobs.register(embedding, { everyMs: embeddingEveryMs, run: (_, { signal }) => embedAll(signal) })

  const enqueueEmbedding = (trx: Db | Trx) => jobs.enqueue(trx, { kind: embedding, input: {} })

  async function analyzeMigrated(conversationId: string, context: JobContext): Promise<void> {
    const rows = await analyze(db, await unanalyzedTurns(db, conversationId))
    if (rows.length > 0) await context.transaction((trx) => indexTurns(trx, rows, ''))
  }

  /** Extracts memories from the oldest messages that await it. Returns whether there may be more. */
  async function extractBatch(conversationId: string, context: JobContext): Promise<boolean> {
    const messages = await turnsAwaitingExtraction(db, conversationId, maxTurns)
    const [pair] = messages
    if (!pair) return false
    const ids = messages.map(({ id }) => id)
    const requests = extractRequests(messages)
    const store = (statements: Statement[], isFinal: boolean) =>
      context.transaction(async (trx) => {
        // The user may have switched memory off since the job was enqueued.
        if (statements.length > 0 || requests.forget.length > 0) {
          const awaiting = await lockAwaiting(trx, ids)
          const isWanted = ({ messageId }: { messageId: string }) => awaiting.has(messageId)
          await consolidate(trx, pair, inOrder(statements, ids).filter(isWanted))
          await forgetRequested(trx, pair, requests.forget.filter(isWanted), forget)
        }
        if (isFinal) await finishExtraction(trx, ids)
        await enqueueEmbedding(trx)
      })
    let extracted: Statement[] = []
    try {
      const findKnown = () => knownMemories(pair, messages)
      extracted = await models.localOnly(pair.localOnly, () =>
        extractStatements({ models, log }, messages, findKnown, context.signal),
      )
    } catch (error) {
      context.signal.throwIfAborted()
      if (context.attempt < maxAttempts) {
        await store(requests.remember, false)
        throw error
      }
      log.warn({ err: error }, 'memory extraction failed; only explicit requests were stored')
    }
    const isForgotten = (one: Statement) => requests.forget.some((request) => overlaps(one, request))
    const isRestated = (note: Statement) => extracted.some((one) => overlaps(one, note))
    await store(
      [
        ...extracted.filter((one) => !isForgotten(one)),
        ...requests.remember.filter((note) => !isRestated(note)),
      ],
      true,
    )
    return messages.length === maxTurns
  }

  async function knownMemories(pair: Pair, messages: UserMessage[]): Promise<KnownMemory[]> {
    const text = messages.map((message) => message.text).join('\n')
    const { counts } = await countTerms(pair, text, languageAmong(text, []))
    const query = { subject: 'self', attribute: 'name', terms: [...counts.keys()] }
    const rows = await relatedMemories(db, pair, query, maxKnown * 2)
    return rows
      .filter((row) => row.valid_until === null || row.valid_until > now())
      .slice(0, maxKnown)
      .map((row) => ({ id: row.id, content: row.content, localOnly: row.local_only }))
  }

  /** Embeds memories, and turns where the embedding model is on this machine. */
  async function embedAll(closing: AbortSignal): Promise<{ repeatAfterMs: number } | void> {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(embeddingTimeoutMs)])
    const embedder = await models.embedder(signal)
    if (!embedder) return
    const space = { model: embedder.space, remote: embedder.remote }
    for (let batch = 0; batch < embeddingBatchesPerJob; batch++) {
      const memories = await memoriesToEmbed(db, space, embeddingBatch)
      await insertMemoryVectors(db, space, await withVectors(embedder, memories, signal))
      const turns = embedder.remote ? [] : await turnsToEmbed(db, space.model, embeddingBatch)
      await insertTurnVectors(db, space.model, await withVectors(embedder, turns, signal))
      if (memories.length < embeddingBatch && turns.length < embeddingBatch) return
    }
    return { repeatAfterMs: 0 }
  }

  return {
    /** Schedules the extraction from a conversation for when it is idle. */
    enqueueExtraction: (trx: Trx, conversationId: string): Promise<void> =>
      jobs.enqueue(trx, {
        kind: extraction,
        key: conversationId,
        input: { conversationId },
        delayMs: pace.quietMs,
        maxDelayMs: pace.maxWaitMs,
      }),
    enqueueEmbedding,
    /** Extracts from a conversation without waiting for it to be idle. */
    extractNow: (conversationId: string, signal: AbortSignal) =>
      jobs.runNow(extraction, conversationId, signal),
  }
}

type Place = { messageId: string; start: number; end: number }
const overlaps = (a: Place, b: Place): boolean =>
  a.messageId === b.messageId && a.start < b.end && b.start < a.end

const inOrder = (statements: Statement[], messageIds: string[]): Statement[] =>
  statements.toSorted(
    (a, b) => messageIds.indexOf(a.messageId) - messageIds.indexOf(b.messageId) || a.start - b.start,
  )

async function withVectors<Item extends { content: string }>(
  embedder: Embedder,
  items: Item[],
  signal: AbortSignal,
): Promise<(Item & { vector: Float32Array })[]> {
  if (items.length === 0) return []
  const texts = items.map((item) => item.content)
  const vectors = await embedder.embed(texts, 'passage', signal)
  return items.flatMap((item, i) => {
    const vector = vectors[i]
    return vector ? [{ ...item, vector }] : []
  })
}
