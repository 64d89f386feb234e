import { type SelectQueryBuilder, sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import type { MemoryType } from '../../../contract/memory.ts'
import type { Db, Row, Tables, Trx } from '../../db/index.ts'
import { vectorLiteral } from '../../search/index.ts'
import type { Pair } from '../terms.ts'

/** A memory with the first words that it was learned from. */
export type MemoryRow = Row<'memories'> & {
  source_message_id: string | null
  conversation_id: string | null
  start_offset: number | null
  end_offset: number | null
}

/** A layer of an avee that a user has access to. */
export type Access = { aveeId: string; layer: Layer }

const isPast = sql<boolean>`memories.valid_until is not null and memories.valid_until <= now()`

const withSource = (db: Db | Trx) =>
  db
    .selectFrom('memories')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('memory_sources')
          .innerJoin('messages', 'messages.id', 'memory_sources.message_id')
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
    .selectAll('memories')
    .select([
      'source.source_message_id',
      'source.conversation_id',
      'source.start_offset',
      'source.end_offset',
    ])

const isAccessible = (access: Access[]) => sql<boolean>`
  (memories.avee_id, memories.layer) in (
    select * from unnest(${access.map(({ aveeId }) => aveeId)}::uuid[], ${access.map(({ layer }) => layer)}::text[]))`

/** Finds a memory of a user, also a forgotten one. */
export function findMemory(db: Db | Trx, userId: string, id: string): Promise<MemoryRow | undefined> {
  return withSource(db)
    .where('memories.id', '=', id)
    .where('memories.user_id', '=', userId)
    .executeTakeFirst()
}

export type MemoryFilter = {
  userId: string
  access: Access[]
  type?: MemoryType | undefined
  words: string[]
  includePast: boolean
}
/** A position in the list of memories: pinned ones first, then the latest. */
export type MemoryPosition = { pinned: boolean; id: string }

const filtered = <Selected>(
  query: SelectQueryBuilder<Tables, 'memories', Selected>,
  filter: MemoryFilter,
): SelectQueryBuilder<Tables, 'memories', Selected> => {
  let narrowed = query
    .where('memories.user_id', '=', filter.userId)
    .where('memories.forgotten_at', 'is', null)
    .where(isAccessible(filter.access))
  if (filter.type) narrowed = narrowed.where('memories.type', '=', filter.type)
  if (!filter.includePast) narrowed = narrowed.where(sql<boolean>`not (${isPast})`)
  for (const word of filter.words)
    narrowed = narrowed.where('memories.content', 'ilike', `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`)
  return narrowed
}

export function listMemories(
  db: Db,
  filter: MemoryFilter,
  page: { limit: number; after?: MemoryPosition | undefined },
): Promise<MemoryRow[]> {
  // The join only adds columns, so the filter applies to it as well.
  const narrowed = filtered(
    withSource(db) as unknown as SelectQueryBuilder<Tables, 'memories', MemoryRow>,
    filter,
  )
  const { after } = page
  return (
    after
      ? narrowed.where(sql<boolean>`(memories.pinned, memories.id) < (${after.pinned}, ${after.id}::uuid)`)
      : narrowed
  )
    .orderBy('memories.pinned', 'desc')
    .orderBy('memories.id', 'desc')
    .limit(page.limit)
    .execute()
}

export async function countMemories(db: Db, filter: MemoryFilter): Promise<number> {
  const { count } = await filtered(db.selectFrom('memories'), filter)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Returns the avees that remember something of a user. */
export async function aveesWithMemories(db: Db, userId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('memories')
    .select('avee_id')
    .distinct()
    .where('user_id', '=', userId)
    .where('forgotten_at', 'is', null)
    .execute()
  return rows.map((row) => row.avee_id)
}

/** Serializes changes to the memories of a pair, on every node, until the transaction ends. */
export async function lockPair(trx: Trx, pair: Pair): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`memory ${pair.userId} ${pair.aveeId}`}, 0))`.execute(
    trx,
  )
}

/** Returns memories in a slot or with one of the terms, the latest first. */
export function relatedMemories(
  trx: Db | Trx,
  pair: Pair,
  query: { subject: string; attribute: string; terms: number[] },
  limit: number,
): Promise<Row<'memories'>[]> {
  return trx
    .selectFrom('memories')
    .selectAll()
    .where('user_id', '=', pair.userId)
    .where('avee_id', '=', pair.aveeId)
    .where('forgotten_at', 'is', null)
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

export type NewMemory = Omit<
  Row<'memories'>,
  'local_only' | 'pinned' | 'edited' | 'superseded_by' | 'confirmations' | 'forgotten_at' | 'updated_at'
> & { local_only?: boolean; edited?: boolean; pinned?: boolean; superseded_by?: string | null }

export async function insertMemory(trx: Db | Trx, memory: NewMemory): Promise<void> {
  await trx
    .insertInto('memories')
    .values({ ...memory, updated_at: memory.created_at })
    .execute()
}

export type MemoryChanges = Partial<
  Pick<
    Row<'memories'>,
    | 'content'
    | 'type'
    | 'pinned'
    | 'local_only'
    | 'edited'
    | 'layer'
    | 'confidence'
    | 'importance'
    | 'confirmations'
    | 'last_confirmed_at'
    | 'valid_from'
    | 'valid_until'
    | 'superseded_by'
    | 'terms'
    | 'value'
    | 'attribute'
    | 'subject'
    | 'language'
  >
>

export async function updateMemory(
  db: Db | Trx,
  id: string,
  changes: MemoryChanges,
  now: Date,
): Promise<void> {
  await db
    .updateTable('memories')
    .set({ ...changes, updated_at: now })
    .where('id', '=', id)
    .execute()
}

/** Records the words that a memory rests on. Returns whether this message is a new source of it. */
export async function addSource(
  trx: Db | Trx,
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
export function memoriesStatedBefore(
  trx: Trx,
  pair: Pair,
  at: Date,
): Promise<Pick<Row<'memories'>, 'id' | 'content'>[]> {
  return trx
    .selectFrom('memories')
    .select(['id', 'content'])
    .where('user_id', '=', pair.userId)
    .where('avee_id', '=', pair.aveeId)
    .where('forgotten_at', 'is', null)
    .where('last_confirmed_at', '<=', at)
    .execute()
}

/** Soft-deletes memories and deletes their vectors; what they superseded is current again. Returns how many. */
export async function forgetMemories(
  trx: Trx,
  userId: string,
  which: { ids: string[] } | { aveeId: string },
  now: Date,
): Promise<number> {
  const forgotten = await trx
    .updateTable('memories')
    .set({ forgotten_at: now })
    .where('user_id', '=', userId)
    .where('forgotten_at', 'is', null)
    .where((eb) => ('ids' in which ? eb('id', 'in', which.ids) : eb('avee_id', '=', which.aveeId)))
    .returning('id')
    .execute()
  const ids = forgotten.map((row) => row.id)
  if (ids.length === 0) return 0
  await trx.deleteFrom('memory_vectors').where('memory_id', 'in', ids).execute()
  await trx.updateTable('memories').set({ valid_until: null }).where('superseded_by', 'in', ids).execute()
  return ids.length
}

/** Restores a memory that was forgotten after `since`; what it superseded ends again. Returns whether there was one. */
export async function restoreMemory(trx: Trx, userId: string, id: string, since: Date): Promise<boolean> {
  const [restored] = await trx
    .updateTable('memories')
    .set({ forgotten_at: null })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('forgotten_at', '>', since)
    .returning(['id', 'created_at'])
    .execute()
  if (!restored) return false
  await trx
    .updateTable('memories')
    .set({ valid_until: restored.created_at })
    .where('superseded_by', '=', id)
    .where('valid_until', 'is', null)
    .execute()
  return true
}

/** Deletes memories that were forgotten before a moment. */
export async function purgeForgotten(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('memories').where('forgotten_at', '<', before).execute()
}

/** The columns by which recall ranks a memory. */
export type Candidate = Pick<
  Row<'memories'>,
  | 'id'
  | 'type'
  | 'content'
  | 'layer'
  | 'valid_from'
  | 'valid_until'
  | 'confidence'
  | 'importance'
  | 'pinned'
  | 'local_only'
  | 'last_confirmed_at'
  | 'terms'
  | 'attribute'
>

const candidateColumns = [
  'id',
  'type',
  'content',
  'layer',
  'valid_from',
  'valid_until',
  'confidence',
  'importance',
  'pinned',
  'local_only',
  'last_confirmed_at',
  'terms',
  'attribute',
] as const

export type RecallScope = Pair & { layers: Layer[]; remote: boolean }

/** The memories of a scope. A memory that was superseded by one outside the layers is left out, so that its end reveals nothing. */
const recallable = (db: Db, scope: RecallScope) =>
  db
    .selectFrom('memories')
    .where('user_id', '=', scope.userId)
    .where('avee_id', '=', scope.aveeId)
    .where('forgotten_at', 'is', null)
    .where('layer', 'in', scope.layers)
    .$if(scope.remote, (query) => query.where('local_only', '=', false))
    .where((eb) =>
      eb.or([
        eb('superseded_by', 'is', null),
        eb.not(
          eb.exists(
            eb
              .selectFrom('memories as later')
              .select(sql.lit(1).as('one'))
              .whereRef('later.id', '=', 'memories.superseded_by')
              .where('later.forgotten_at', 'is', null)
              .where('later.layer', 'not in', scope.layers),
          ),
        ),
      ]),
    )

/** Counts the memories of each language, the most frequent first. */
export async function memoryLanguages(
  db: Db,
  scope: RecallScope,
): Promise<{ language: string | null; memories: number }[]> {
  const rows = await recallable(db, scope)
    .select(['language', (eb) => eb.fn.countAll<string>().as('count')])
    .groupBy('language')
    .orderBy('count', 'desc')
    .execute()
  return rows.map((row) => ({ language: row.language, memories: Number(row.count) }))
}

/** Returns memories that share a term, begin in a period, are pinned, or have at least this importance. */
export async function findCandidates(
  db: Db,
  scope: RecallScope,
  query: { terms: number[]; importance: number; from: Date | null; to: Date | null; limit: number },
): Promise<Candidate[]> {
  return await recallable(db, scope)
    .select(candidateColumns)
    .where((eb) =>
      eb.or([
        sql<boolean>`terms && ${query.terms}::int[]`,
        eb.and([
          sql<boolean>`not (${isPast})`,
          eb.or([eb('pinned', '=', true), eb('importance', '>=', query.importance)]),
        ]),
        ...(query.from && query.to
          ? [eb.and([eb('valid_from', '>=', query.from), eb('valid_from', '<', query.to)])]
          : []),
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
): Promise<(Candidate & { cosine: number })[]> {
  const distance = sql<number>`memory_vectors.embedding <=> ${vectorLiteral(query.vector)}::vector`
  const rows = await recallable(db, scope)
    .innerJoin('memory_vectors', 'memory_vectors.memory_id', 'memories.id')
    .where('memory_vectors.model', '=', query.space)
    .select(candidateColumns)
    .select(distance.as('distance'))
    .orderBy('distance')
    .limit(query.limit)
    .execute()
  return rows.map(({ distance, ...row }) => ({ ...row, cosine: 1 - Number(distance) }))
}

/** Returns memories without a vector of a model; those for local models only are left out for a remote one. */
export function memoriesToEmbed(
  db: Db,
  space: { model: string; remote: boolean },
  limit: number,
): Promise<{ id: string; content: string }[]> {
  return db
    .selectFrom('memories')
    .select(['id', 'content'])
    .where('forgotten_at', 'is', null)
    .$if(space.remote, (query) => query.where('local_only', '=', false))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('memory_vectors')
            .select(sql.lit(1).as('one'))
            .whereRef('memory_vectors.memory_id', '=', 'memories.id')
            .where('memory_vectors.model', '=', space.model),
        ),
      ),
    )
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
    join memories on memories.id = added.id and memories.content = added.content and memories.forgotten_at is null
      and not (memories.local_only and ${space.remote})
    on conflict do nothing
  `.execute(db)
}

export async function deleteVectors(db: Db | Trx, memoryId: string, which: 'all' | 'remote'): Promise<void> {
  await db
    .deleteFrom('memory_vectors')
    .where('memory_id', '=', memoryId)
    .$if(which === 'remote', (query) => query.where('remote', '=', true))
    .execute()
}

/** Returns the memories that answers were given, by message, except forgotten and inaccessible ones. */
export async function memoriesUsed(
  db: Db,
  userId: string,
  messageIds: string[],
  access: Access[],
): Promise<{ message_id: string; id: string; type: MemoryType; content: string }[]> {
  if (messageIds.length === 0 || access.length === 0) return []
  return await db
    .selectFrom('memory_uses')
    .innerJoin('memories', 'memories.id', 'memory_uses.memory_id')
    .select(['memory_uses.message_id', 'memories.id', 'memories.type', 'memories.content'])
    .where('memory_uses.message_id', 'in', messageIds)
    .where('memories.user_id', '=', userId)
    .where('memories.forgotten_at', 'is', null)
    .where(isAccessible(access))
    .orderBy('memories.id')
    .execute()
}

/** Counts the memories that were learned from a message. */
export async function countFrom(db: Db, messageId: string): Promise<number> {
  const { count } = await db
    .selectFrom('memory_sources')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('message_id', '=', messageId)
    .executeTakeFirstOrThrow()
  return Number(count)
}
