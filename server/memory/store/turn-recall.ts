import { sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import type { Db } from '../../db/index.ts'
import { vectorLiteral } from '../../search/index.ts'
import type { Pair } from '../terms.ts'

/** The turns of one conversation, or of all conversations of a user with an avee. */
export type TurnScope = ({ conversationId: string } | Pair) & {
  layers: Layer[]
  /** Turns written before this moment are left out. */
  from?: Date | undefined
  /** Turns written at this moment or later are left out. */
  to?: Date | undefined
}

/** A message and its parent. */
export type LinkedTurn = { id: string; parentId: string | null }
type ScoredTurn = LinkedTurn & { score: number }

export type FoundTurn = LinkedTurn & {
  conversationId: string
  role: 'user' | 'assistant'
  content: string
  layer: Layer
  createdAt: Date
  /** Ids of the documents that an answer cites. */
  documents: string[]
}

/** Turns of one language, and the pair that they belong to. */
export type TurnCount = { language: string | null; turns: number } & Pair

const scoped = (scope: TurnScope) => {
  const owner =
    'conversationId' in scope
      ? sql<boolean>`turn_index.conversation_id = ${scope.conversationId}`
      : sql<boolean>`turn_index.user_id = ${scope.userId} and turn_index.avee_id = ${scope.aveeId}
        and turn_index.conversation_id <> all (array(
          select id from all_conversations where user_id = ${scope.userId} and deletion_id is not null))`
  const { from, to } = scope
  const isInPeriod =
    from || to
      ? sql`exists (select from messages where messages.id = turn_index.message_id
          and created_at >= coalesce(${from ?? null}::timestamptz, '-infinity')
          and created_at < coalesce(${to ?? null}::timestamptz, 'infinity'))`
      : sql`true`
  return sql<boolean>`${owner} and turn_index.layer = any(${scope.layers}::text[]) and ${isInPeriod}`
}

/** Counts the turns of each language, the most frequent first. */
export const countTurns = (scope: TurnScope) => sql<TurnCount>`(
  select language, count(*)::int as turns, avee_id as "aveeId", user_id as "userId"
  from turn_index where ${scoped(scope)}
  group by language, avee_id, user_id order by turns desc)`

/** Counts the turns that contain each of these terms. */
export async function documentFrequencies(db: Db, scope: TurnScope, terms: number[]) {
  const { rows } = await sql<{ term: number; turns: number }>`
    select term, count(*)::int as turns
    from turn_index, unnest(turn_index.terms) as term
    where ${scoped(scope)} and turn_index.terms && ${terms}::int[] and term = any(${terms}::int[])
    group by term
  `.execute(db)
  return new Map(rows.map((row) => [row.term, row.turns]))
}

/**
 * Returns the BM25 score of the turns that share a term with a query, and, without a score, the turns within two steps of
 * the best `around` of them, up and down their branches.
 */
export async function findTurnsByTerms(
  db: Db,
  scope: TurnScope,
  query: { terms: number[]; vector: string; limit: number; around: number },
): Promise<(LinkedTurn & { score: number | null })[]> {
  // Arrays, because `in (select …) or …` would read all messages instead of an index.
  const { rows } = await sql<LinkedTurn & { score: number | null }>`
    with hit as materialized (
      select message_id as id, lex <#> ${query.vector}::sparsevec as distance
      from turn_index
      where ${scoped(scope)} and terms && ${query.terms}::int[]
      order by distance limit ${query.limit}
    ), best as materialized (
      select id, parent_id from messages
      where id = any(array(select id from hit order by distance limit ${query.around}))
    ), near as materialized (
      select id, parent_id from messages
      where id = any(array(select parent_id from best)) or parent_id = any(array(select id from best))
      union select id, parent_id from best
    )
    select messages.id, messages.parent_id as "parentId", -hit.distance as score
    from hit join messages on messages.id = hit.id
    union all
    select messages.id, messages.parent_id, null
    from messages join turn_index on turn_index.message_id = messages.id
    where (messages.id = any(array(select id from near)) or messages.id = any(array(select parent_id from near))
      or messages.parent_id = any(array(select id from near))) and ${scoped(scope)}
  `.execute(db)
  return rows
}

/** Returns the turns with the most similar vectors, and their cosine similarity. */
export async function findTurnsByVector(
  db: Db,
  scope: TurnScope,
  query: { space: string; vector: Float32Array; limit: number },
): Promise<ScoredTurn[]> {
  const { rows } = await sql<ScoredTurn>`
    select messages.id, messages.parent_id as "parentId", 1 - near.distance as score
    from (
      select turn_index.message_id, turn_vectors.embedding <=> ${vectorLiteral(query.vector)}::vector as distance
      from turn_index join turn_vectors on turn_vectors.message_id = turn_index.message_id
      where ${scoped(scope)} and turn_vectors.model = ${query.space}
      order by distance limit ${query.limit}
    ) as near
    join messages on messages.id = near.message_id
    order by near.distance
  `.execute(db)
  return rows
}

export async function findTurns(db: Db, ids: string[]): Promise<Map<string, FoundTurn>> {
  const { rows } = await sql<FoundTurn>`
    select id, conversation_id as "conversationId", parent_id as "parentId", role, content, layer_used as layer,
      created_at as "createdAt", documents
    from messages where id = any(${ids}::uuid[])
  `.execute(db)
  return new Map(rows.map((row) => [row.id, row]))
}

/** Returns which of the messages are on the branch that ends with a message. */
export async function messagesOnBranch(db: Db, leafId: string, ids: string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    with recursive branch as (
      select id, parent_id from messages where id = ${leafId}
      union all
      select messages.id, messages.parent_id from messages join branch on messages.id = branch.parent_id)
    select id from branch where id = any(${ids}::uuid[])
  `.execute(db)
  return new Set(rows.map((row) => row.id))
}

/** Returns indexed turns without a vector of a model, the latest first. */
export async function turnsToEmbed(db: Db, space: string, limit: number) {
  const { rows } = await sql<{ id: string; content: string }>`
    select messages.id, messages.content from turn_index
    join messages on messages.id = turn_index.message_id
    where not exists (select 1 from turn_vectors where turn_vectors.message_id = turn_index.message_id and model = ${space})
    order by messages.seq desc limit ${limit}
  `.execute(db)
  return rows
}

export async function insertTurnVectors(
  db: Db,
  space: string,
  vectors: { id: string; vector: Float32Array }[],
): Promise<void> {
  if (vectors.length === 0) return
  await sql`
    insert into turn_vectors (message_id, model, embedding)
    select turn_index.message_id, ${space}, added.embedding::vector
    from unnest(${vectors.map(({ id }) => id)}::uuid[],
      ${vectors.map(({ vector }) => vectorLiteral(vector))}::text[]
    ) as added (id, embedding)
    join turn_index on turn_index.message_id = added.id
    on conflict do nothing
  `.execute(db)
}
