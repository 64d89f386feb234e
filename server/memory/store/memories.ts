import { type SelectQueryBuilder, sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import type { MemoryType } from '../../../contract/memory.ts'
import type { Db, Row, Tables, Trx } from '../../db/index.ts'
import { vectorLiteral } from '../../search/index.ts'
import type { Pair } from '../words.ts'

/** A memory with the place of the first message it was learned from. */
export type MemoryRow = Row<'memories'> & {
  source_message_id: string | null
  conversation_id: string | null
  start_offset: number | null
  end_offset: number | null
}

/** What somebody may see: an avee, and a layer of it. */
export type Seen = { aveeId: string; layer: Layer }

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

const within = (seen: Seen[]) => sql<boolean>`
  (memories.avee_id, memories.layer) in (
    select * from unnest(${seen.map(({ aveeId }) => aveeId)}::uuid[], ${seen.map(({ layer }) => layer)}::text[]))`

/** One of somebody's own, whether forgotten or not. */
export function findMemory(db: Db | Trx, userId: string, id: string): Promise<MemoryRow | undefined> {
  return withSource(db)
    .where('memories.id', '=', id)
    .where('memories.user_id', '=', userId)
    .executeTakeFirst()
}

export type MemoryFilter = {
  userId: string
  seen: Seen[]
  type?: MemoryType | undefined
  words: string[]
  includePast: boolean
}
/** Pinned ones first, then the latest. */
export type MemoryPlace = { pinned: boolean; id: string }

const filtered = <Selected>(
  query: SelectQueryBuilder<Tables, 'memories', Selected>,
  filter: MemoryFilter,
): SelectQueryBuilder<Tables, 'memories', Selected> => {
  let narrowed = query
    .where('memories.user_id', '=', filter.userId)
    .where('memories.forgotten_at', 'is', null)
    .where(within(filter.seen))
  if (filter.type) narrowed = narrowed.where('memories.type', '=', filter.type)
  if (!filter.includePast) narrowed = narrowed.where(sql<boolean>`not (${isPast})`)
  for (const word of filter.words)
    narrowed = narrowed.where('memories.content', 'ilike', `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`)
  return narrowed
}

export function listMemories(
  db: Db,
  filter: MemoryFilter,
  page: { limit: number; after?: MemoryPlace | undefined },
): Promise<MemoryRow[]> {
  // The join adds what a memory comes from; what is filtered are memories.
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

/** The avees that remember somebody. */
export async function aveesRemembering(db: Db, userId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('memories')
    .select('avee_id')
    .distinct()
    .where('user_id', '=', userId)
    .where('forgotten_at', 'is', null)
    .execute()
  return rows.map((row) => row.avee_id)
}

/** Keeps everybody else's hands, on every node, off what an avee remembers of somebody until the transaction ends. */
export async function lockPair(trx: Trx, pair: Pair): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`memory ${pair.userId} ${pair.aveeId}`}, 0))`.execute(
    trx,
  )
}

/** What is remembered in a slot, or shares words with something new; not what is forgotten. */
export function likeMemories(
  trx: Db | Trx,
  pair: Pair,
  like: { subject: string; attribute: string; terms: number[] },
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
        eb.and([eb('subject', '=', like.subject), eb('attribute', '=', like.attribute)]),
        sql<boolean>`terms && ${like.terms}::int[]`,
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

export async function addSource(
  trx: Db | Trx,
  source: { memoryId: string; messageId: string; start: number; end: number },
): Promise<void> {
  await trx
    .insertInto('memory_sources')
    .values({
      memory_id: source.memoryId,
      message_id: source.messageId,
      start_offset: source.start,
      end_offset: source.end,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Forgets: from now on it is nowhere. What it had put an end to holds again, and its vectors are gone. */
export async function forgetMemories(
  trx: Trx,
  userId: string,
  which: { ids: string[] } | { aveeId: string },
  now: Date,
): Promise<number> {
  const gone = await trx
    .updateTable('memories')
    .set({ forgotten_at: now })
    .where('user_id', '=', userId)
    .where('forgotten_at', 'is', null)
    .where((eb) => ('ids' in which ? eb('id', 'in', which.ids) : eb('avee_id', '=', which.aveeId)))
    .returning('id')
    .execute()
  const ids = gone.map((row) => row.id)
  if (ids.length === 0) return 0
  await trx.deleteFrom('memory_vectors').where('memory_id', 'in', ids).execute()
  await trx.updateTable('memories').set({ valid_until: null }).where('superseded_by', 'in', ids).execute()
  return ids.length
}

/** Calls a forgotten one back, unless it is too late; what it had put an end to ends again. */
export async function restoreMemory(trx: Trx, userId: string, id: string, since: Date): Promise<boolean> {
  const [back] = await trx
    .updateTable('memories')
    .set({ forgotten_at: null })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('forgotten_at', '>', since)
    .returning(['id', 'created_at'])
    .execute()
  if (!back) return false
  await trx
    .updateTable('memories')
    .set({ valid_until: back.created_at })
    .where('superseded_by', '=', id)
    .where('valid_until', 'is', null)
    .execute()
  return true
}

/** Deletes what was forgotten before a moment. */
export async function wipeForgotten(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('memories').where('forgotten_at', '<', before).execute()
}

/** A memory as recall weighs it. */
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

/** What has been replaced by something that may not be seen here is not seen here either. */
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

/** How many memories there are in each language, the most frequent first. */
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

/** Those that share a word, are about the time asked for, are pinned, or matter always. */
export async function recallByWords(
  db: Db,
  scope: RecallScope,
  ask: { terms: number[]; important: number; from: Date | null; to: Date | null; limit: number },
): Promise<Candidate[]> {
  return await recallable(db, scope)
    .select(candidateColumns)
    .where((eb) =>
      eb.or([
        sql<boolean>`terms && ${ask.terms}::int[]`,
        eb.and([
          sql<boolean>`not (${isPast})`,
          eb.or([eb('pinned', '=', true), eb('importance', '>=', ask.important)]),
        ]),
        ...(ask.from && ask.to
          ? [eb.and([eb('valid_from', '>=', ask.from), eb('valid_from', '<', ask.to)])]
          : []),
      ]),
    )
    .orderBy('last_confirmed_at', 'desc')
    .limit(ask.limit)
    .execute()
}

/** The nearest in meaning, with their cosine. */
export async function recallByMeaning(
  db: Db,
  scope: RecallScope,
  ask: { space: string; vector: Float32Array; limit: number },
): Promise<(Candidate & { cosine: number })[]> {
  const distance = sql<number>`memory_vectors.embedding <=> ${vectorLiteral(ask.vector)}::vector`
  const rows = await recallable(db, scope)
    .innerJoin('memory_vectors', 'memory_vectors.memory_id', 'memories.id')
    .where('memory_vectors.model', '=', ask.space)
    .select(candidateColumns)
    .select(distance.as('distance'))
    .orderBy('distance')
    .limit(ask.limit)
    .execute()
  return rows.map(({ distance, ...row }) => ({ ...row, cosine: 1 - Number(distance) }))
}

/** Memories that have no vector of a space yet; those for local models only are kept from a remote one. */
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

/** Keeps vectors, unless the memory has changed or gone since its text was read. */
export async function insertMemoryVectors(
  db: Db,
  space: { model: string; remote: boolean },
  vectors: { id: string; content: string; vector: Float32Array }[],
): Promise<void> {
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

/** What answers were given, by message; without what is forgotten or not to be seen here. */
export async function memoriesUsed(
  db: Db,
  userId: string,
  messageIds: string[],
  seen: Seen[],
): Promise<{ message_id: string; id: string; type: MemoryType; content: string }[]> {
  if (messageIds.length === 0 || seen.length === 0) return []
  return await db
    .selectFrom('memory_uses')
    .innerJoin('memories', 'memories.id', 'memory_uses.memory_id')
    .select(['memory_uses.message_id', 'memories.id', 'memories.type', 'memories.content'])
    .where('memory_uses.message_id', 'in', messageIds)
    .where('memories.user_id', '=', userId)
    .where('memories.forgotten_at', 'is', null)
    .where(within(seen))
    .orderBy('memories.id')
    .execute()
}

/** How many memories have their source in a message. */
export async function countFrom(db: Db, messageId: string): Promise<number> {
  const { count } = await db
    .selectFrom('memory_sources')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('message_id', '=', messageId)
    .executeTakeFirstOrThrow()
  return Number(count)
}
