import { type ExpressionBuilder, type Insertable, sql, type Updateable } from 'kysely'
import * as z from 'zod/mini'
import type { Layer } from '../../../contract/layers.ts'
import type { MemoryType } from '../../../contract/memory.ts'
import type { Db, Row, Tables, Trx } from '../../db/index.ts'
import { vectorLiteral } from '../../search/index.ts'
import type { Period } from '../dates.ts'
import type { Pair } from '../terms.ts'
import { disabledSettings } from './settings.ts'

/** A memory with the first words that it was extracted from. */
export type MemoryRow = Awaited<ReturnType<typeof listMemories>>[number]

/** A layer of an avee that a user has access to. */
export type Access = { aveeId: string; layer: Layer }

const isPast = sql<boolean>`memories.valid_until is not null and memories.valid_until <= now()`

const restorableUntil = sql<Date | null>`(
  select restorable_until from deletions where deletions.id = memories.deletion_id)`

const withSource = (db: Db) =>
  db
    .selectFrom('memories')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('memory_sources')
          .innerJoin('messages', 'messages.id', 'memory_sources.message_id')
          .innerJoin('conversations', 'conversations.id', 'messages.conversation_id')
          .select([
            'memory_sources.message_id as source_message_id',
            'messages.conversation_id',
            'memory_sources.start_offset',
            'memory_sources.end_offset',
          ])
          .whereRef('memory_sources.memory_id', '=', 'memories.id')
          .orderBy('messages.seq')
          .limit(1)
          .as('source'),
      (join) => join.onTrue(),
    )
    .selectAll(['memories', 'source'])
    .select(restorableUntil.as('restorable_until'))

const isAccessible = (access: Access[]) => sql<boolean>`
  (memories.avee_id, memories.layer) in (
    select * from unnest(${access.map(({ aveeId }) => aveeId)}::uuid[], ${access.map(({ layer }) => layer)}::text[]))`

/** Finds a memory of a user, also one in the trash. */
export const findMemory = (db: Db, userId: string, id: string): Promise<MemoryRow | undefined> =>
  withSource(db).where('memories.id', '=', id).where('memories.user_id', '=', userId).executeTakeFirst()

export type MemoryFilter = {
  userId: string
  access: Access[]
  type?: MemoryType | undefined
  words: string[]
  includePast: boolean
  /** Lists the memories in the trash instead. */
  inTrash?: boolean | undefined
}
/** A position in the list of memories: pinned ones first, then the latest. */
export const memoryPosition = z.object({ pinned: z.boolean(), id: z.uuid() })

const matches = (filter: MemoryFilter) => (eb: ExpressionBuilder<Tables, 'memories'>) =>
  eb.and([
    eb('memories.user_id', '=', filter.userId),
    filter.inTrash ? sql<boolean>`${restorableUntil} > now()` : eb('memories.deletion_id', 'is', null),
    isAccessible(filter.access),
    ...(filter.type ? [eb('memories.type', '=', filter.type)] : []),
    ...(filter.includePast ? [] : [sql<boolean>`not (${isPast})`]),
    ...filter.words.map(
      (word) => sql<boolean>`memories.content ilike ${`%${word.replaceAll(/[\\%_]/g, '\\$&')}%`}`,
    ),
  ])

export const listMemories = (
  db: Db,
  filter: MemoryFilter,
  { limit, after }: { limit: number; after?: z.infer<typeof memoryPosition> | undefined },
) =>
  withSource(db)
    .where(matches(filter))
    .$if(after !== undefined, (query) =>
      query.where(sql<boolean>`(memories.pinned, memories.id) < (${after?.pinned}, ${after?.id}::uuid)`),
    )
    .orderBy('memories.pinned', 'desc')
    .orderBy('memories.id', 'desc')
    .limit(limit)
    .execute()

export async function countMemories(db: Db, filter: MemoryFilter): Promise<number> {
  const { count } = await db
    .selectFrom('memories')
    .where(matches(filter))
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Returns the avees that have memories of a user. */
export async function aveesWithMemories(db: Db, userId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('memories')
    .select('avee_id')
    .distinct()
    .where('user_id', '=', userId)
    .where('deletion_id', 'is', null)
    .execute()
  return rows.map((row) => row.avee_id)
}

/** Serializes changes to the memories of a pair, on every node, until the transaction ends. */
export async function lockPair(trx: Trx, pair: Pair): Promise<void> {
  const name = `memory ${pair.userId} ${pair.aveeId}`
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx)
}

const ofPair = (db: Db, pair: Pair) =>
  db
    .selectFrom('memories')
    .where('user_id', '=', pair.userId)
    .where('avee_id', '=', pair.aveeId)
    .where('deletion_id', 'is', null)

/** Returns memories in a slot or with one of the terms, the latest first. */
export function relatedMemories(
  db: Db,
  pair: Pair,
  query: { subject: string; attribute: string; terms: number[] },
  limit: number,
) {
  return ofPair(db, pair)
    .selectAll()
    .where((eb) =>
      eb.or([
        eb.and([eb('subject', '=', query.subject), eb('attribute', '=', query.attribute)]),
        sql<boolean>`terms && ${query.terms}::int[]`,
      ]),
    )
    .orderBy('last_confirmed_at', 'desc')
    .limit(limit)
    .execute()
}

export async function insertMemory(
  db: Db,
  memory: Omit<Insertable<Tables['memories']>, 'updated_at'>,
): Promise<void> {
  await db
    .insertInto('memories')
    .values({ ...memory, updated_at: memory.created_at })
    .execute()
}

export type MemoryChanges = Updateable<Tables['memories']>

export async function updateMemory(db: Db, id: string, changes: MemoryChanges, now: Date): Promise<void> {
  const updated = { ...changes, updated_at: now }
  await db.updateTable('memories').set(updated).where('id', '=', id).execute()
}

/** Records the source of a memory. Returns whether this message is a new source. */
export async function addSource(
  trx: Trx,
  source: { memoryId: string; messageId: string; start: number; end: number },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('memory_sources')
    .values({
      memory_id: source.memoryId,
      message_id: source.messageId,
      start_offset: source.start,
      end_offset: source.end,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Returns the memories of a pair that were last stated at or before a moment. */
export const memoriesStatedBefore = (trx: Trx, pair: Pair, at: Date) =>
  ofPair(trx, pair).select(['id', 'content']).where('last_confirmed_at', '<=', at).execute()

/** Locks memories of a user until the end of the transaction, with those in the trash if wanted. Returns their rows. */
export async function lockMemories(
  trx: Trx,
  userId: string,
  which: { ids: string[] } | { aveeId: string },
  { withTrash }: { withTrash: boolean },
): Promise<Pick<Row<'memories'>, 'id' | 'deletion_id'>[]> {
  return await trx
    .selectFrom('memories')
    .select(['id', 'deletion_id'])
    .where('user_id', '=', userId)
    .$if(!withTrash, (query) => query.where('deletion_id', 'is', null))
    .where((eb) => ('ids' in which ? eb('id', 'in', which.ids) : eb('avee_id', '=', which.aveeId)))
    .forUpdate()
    .execute()
}

/**
 * Lists the memories that come from this conversation only, except those that the user has edited. Other conversations
 * count unless they are in the trash.
 */
export async function listMemoriesOfConversation(
  trx: Trx,
  pair: Pair,
  conversationId: string,
): Promise<string[]> {
  const sources = sql`select from memory_sources join messages on messages.id = message_id`
  const found = await trx
    .selectFrom('memories')
    .select('id')
    .where('user_id', '=', pair.userId)
    .where('avee_id', '=', pair.aveeId)
    .where('edited', '=', false)
    .where(
      sql<boolean>`exists (${sources} where memory_id = memories.id and conversation_id = ${conversationId})`,
    )
    .where(
      sql<boolean>`not exists (${sources} join conversations on conversations.id = conversation_id
        where memory_id = memories.id and conversation_id <> ${conversationId})`,
    )
    .execute()
  return found.map(({ id }) => id)
}

const reviveSuperseded = (trx: Trx, ids: string[]) =>
  trx.updateTable('memories').set({ valid_until: null }).where('superseded_by', 'in', ids).execute()

/** Moves memories to the trash and deletes their vectors; memories that they superseded are current again. */
export async function moveToTrash(trx: Trx, ids: string[], deletionId: string): Promise<void> {
  if (ids.length === 0) return
  await trx
    .updateTable('memories')
    .set({ deletion_id: deletionId })
    .where('id', 'in', ids)
    .where('deletion_id', 'is', null)
    .execute()
  await trx.deleteFrom('memory_vectors').where('memory_id', 'in', ids).execute()
  await reviveSuperseded(trx, ids)
}

/** Deletes memories; memories that they superseded are current again. */
export async function deleteMemories(trx: Trx, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  await reviveSuperseded(trx, ids)
  await trx.deleteFrom('memories').where('id', 'in', ids).execute()
}

/** Restores a memory, or all of a deletion, from the trash; memories that they superseded end again. */
export async function moveOutOfTrash(
  trx: Trx,
  which: { id: string } | { deletionId: string },
): Promise<void> {
  const restored = await trx
    .updateTable('memories')
    .set({ deletion_id: null })
    .where((eb) => ('id' in which ? eb('id', '=', which.id) : eb('deletion_id', '=', which.deletionId)))
    .returning(['id', 'created_at'])
    .execute()
  for (const { id, created_at } of restored)
    await trx
      .updateTable('memories')
      .set({ valid_until: created_at })
      .where('superseded_by', '=', id)
      .where('valid_until', 'is', null)
      .execute()
}

/** Deletes the memories that a deletion has moved to the trash. */
export async function deleteTrash(trx: Trx, deletionId: string): Promise<void> {
  await trx.deleteFrom('memories').where('deletion_id', '=', deletionId).execute()
}

export type RecallScope = Pair & { layers: Layer[]; remote: boolean }

/**
 * The memories of a scope. A memory that was superseded by one outside the layers is left out, because its end would
 * reveal the other one.
 */
const recallable = (db: Db, scope: RecallScope) =>
  ofPair(db, scope)
    .where('layer', 'in', scope.layers)
    .$if(scope.remote, (query) => query.where('local_only', '=', false))
    .where(sql<boolean>`not exists (
      select from memories as later
      where later.id = memories.superseded_by and later.deletion_id is null
        and not (later.layer = any(${scope.layers}::text[])))`)

/** Counts the memories of each language, the most frequent first; there are none while memory is off. */
export const countByLanguage = (db: Db, scope: RecallScope) =>
  countRecallable(db, scope).where((eb) => eb.not(eb.exists(disabledSettings(db, scope))))

/** Counts the memories of each language, the most frequent first, also while memory is off. */
export const countRecallable = (db: Db, scope: RecallScope) =>
  recallable(db, scope)
    .select(['language', sql<number>`count(*)::int`.as('memories')])
    .groupBy('language')
    .orderBy('memories', 'desc')

/** Returns memories that share a term, begin in a period, are pinned, or have at least this importance. */
export async function findCandidates(
  db: Db,
  scope: RecallScope,
  query: { terms: number[]; importance: number; period: Period | undefined; limit: number },
): Promise<Row<'memories'>[]> {
  const { period } = query
  return await recallable(db, scope)
    .selectAll('memories')
    .where((eb) =>
      eb.or([
        sql<boolean>`terms && ${query.terms}::int[]`,
        eb.and([
          sql<boolean>`not (${isPast})`,
          eb.or([eb('pinned', '=', true), eb('importance', '>=', query.importance)]),
        ]),
        ...(period ? [eb.and([eb('valid_from', '>=', period.from), eb('valid_from', '<', period.to)])] : []),
      ]),
    )
    .orderBy('last_confirmed_at', 'desc')
    .limit(query.limit)
    .execute()
}

/** Returns the memories with the most similar vectors, and their cosine similarity. */
export async function findByVector(
  db: Db,
  scope: RecallScope,
  query: { space: string; vector: Float32Array; limit: number },
): Promise<(Row<'memories'> & { cosine: number })[]> {
  const distance = sql`memory_vectors.embedding <=> ${vectorLiteral(query.vector)}::vector`
  return await recallable(db, scope)
    .innerJoin('memory_vectors', 'memory_vectors.memory_id', 'memories.id')
    .where('memory_vectors.model', '=', query.space)
    .selectAll('memories')
    .select(sql<number>`1 - (${distance})`.as('cosine'))
    .orderBy('cosine', 'desc')
    .limit(query.limit)
    .execute()
}

/** Returns memories without a vector of a model; those for local models only are left out for a remote one. */
export function memoriesToEmbed(db: Db, space: { model: string; remote: boolean }, limit: number) {
  return db
    .selectFrom('memories')
    .select(['id', 'content'])
    .where('deletion_id', 'is', null)
    .$if(space.remote, (query) =>
      query
        .where('local_only', '=', false)
        .where(
          sql<boolean>`not exists (select from avees where avees.id = memories.avee_id and avees.local_only)`,
        ),
    )
    .where(sql<boolean>`not exists (
      select from memory_vectors where memory_vectors.memory_id = memories.id and model = ${space.model})`)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Stores vectors, except of memories that have changed since their text was read. */
export async function insertMemoryVectors(
  db: Db,
  space: { model: string; remote: boolean },
  vectors: { id: string; content: string; vector: Float32Array }[],
): Promise<void> {
  if (vectors.length === 0) return
  await sql`
    insert into memory_vectors (memory_id, model, remote, embedding)
    select memories.id, ${space.model}, ${space.remote}, added.embedding::vector
    from unnest(${vectors.map(({ id }) => id)}::uuid[], ${vectors.map(({ content }) => content)}::text[],
      ${vectors.map(({ vector }) => vectorLiteral(vector))}::text[]) as added (id, content, embedding)
    join memories on memories.id = added.id and memories.content = added.content and memories.deletion_id is null
      and not (memories.local_only and ${space.remote})
    on conflict do nothing
  `.execute(db)
}

export async function deleteVectors(db: Db, memoryId: string, which: 'all' | 'remote'): Promise<void> {
  await db
    .deleteFrom('memory_vectors')
    .where('memory_id', '=', memoryId)
    .$if(which === 'remote', (query) => query.where('remote', '=', true))
    .execute()
}

/** Returns the memories in the prompts of answers, by message, except forgotten and inaccessible ones. */
export async function memoriesUsed(db: Db, userId: string, messageIds: string[], access: Access[]) {
  if (messageIds.length === 0 || access.length === 0) return []
  return await db
    .selectFrom('memory_uses')
    .innerJoin('memories', 'memories.id', 'memory_uses.memory_id')
    .select(['memory_uses.message_id', 'memories.id', 'memories.type', 'memories.content'])
    .where(sql<boolean>`memory_uses.message_id = any(${messageIds}::uuid[])`)
    .where('memories.user_id', '=', userId)
    .where('memories.deletion_id', 'is', null)
    .where(isAccessible(access))
    .orderBy('memories.id')
    .execute()
}

/** Returns which of these memories are accessible and not forgotten. */
export async function visibleMemories(
  db: Db,
  userId: string,
  ids: string[],
  access: Access[],
): Promise<Set<string>> {
  const rows = await db
    .selectFrom('memories')
    .select('id')
    .where('id', 'in', ids)
    .where('user_id', '=', userId)
    .where('deletion_id', 'is', null)
    .where(isAccessible(access))
    .execute()
  return new Set(rows.map(({ id }) => id))
}

/** Counts the memories that were extracted from a message. */
export async function countFrom(db: Db, messageId: string): Promise<number> {
  const { count } = await db
    .selectFrom('memory_sources')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('message_id', '=', messageId)
    .executeTakeFirstOrThrow()
  return Number(count)
}
