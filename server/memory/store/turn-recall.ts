import { sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import type { Db } from '../../db/index.ts'
import { vectorLiteral } from '../../search/index.ts'

/** The turns of one conversation, or of all conversations of a user with an avee. */
export type TurnScope = ({ conversationId: string } | { aveeId: string; userId: string }) & {
  layers: Layer[]
}

export type FoundTurn = {
  id: string
  conversationId: string
  parentId: string | null
  role: 'user' | 'assistant'
  content: string
  layer: Layer
  createdAt: Date
}

const scoped = (scope: TurnScope) => {
  const owner =
    'conversationId' in scope
      ? sql<boolean>`turn_index.conversation_id = ${scope.conversationId}`
      : sql<boolean>`turn_index.user_id = ${scope.userId} and turn_index.avee_id = ${scope.aveeId}`
  return sql<boolean>`${owner} and turn_index.layer = any(${scope.layers}::text[])`
}

/** Counts the turns of each language, the most frequent first, with the pair that they belong to. */
export async function turnLanguages(
  db: Db,
  scope: TurnScope,
): Promise<{ language: string | null; turns: number; aveeId: string; userId: string }[]> {
  const { rows } = await sql<{ language: string | null; turns: string; avee_id: string; user_id: string }>`
    select language, count(*) as turns, avee_id, user_id from turn_index where ${scoped(scope)}
    group by language, avee_id, user_id order by turns desc
  `.execute(db)
  return rows.map((row) => ({
    language: row.language,
    turns: Number(row.turns),
    aveeId: row.avee_id,
    userId: row.user_id,
  }))
}

/** Counts the turns that contain each of these terms. */
export async function documentFrequencies(
  db: Db,
  scope: TurnScope,
  terms: number[],
): Promise<Map<number, number>> {
  if (terms.length === 0) return new Map()
  const { rows } = await sql<{ term: number; turns: string }>`
    select term, count(*) as turns
    from turn_index, unnest(turn_index.terms) as term
    where ${scoped(scope)} and turn_index.terms && ${terms}::int[] and term = any(${terms}::int[])
    group by term
  `.execute(db)
  return new Map(rows.map((row) => [row.term, Number(row.turns)]))
}

/** Returns the BM25 score of the turns that share a term with a query, the highest first. */
export async function findTurnsByTerms(
  db: Db,
  scope: TurnScope,
  query: { terms: number[]; vector: string; limit: number },
): Promise<{ id: string; parentId: string | null; score: number }[]> {
  const { rows } = await sql<{ id: string; parent_id: string | null; score: number }>`
    select messages.id, messages.parent_id, -hit.distance as score
    from (
      select message_id, lex <#> ${query.vector}::sparsevec as distance
      from turn_index
      where ${scoped(scope)} and terms && ${query.terms}::int[]
      order by distance limit ${query.limit}
    ) as hit
    join messages on messages.id = hit.message_id
  `.execute(db)
  return rows.map((row) => ({ id: row.id, parentId: row.parent_id, score: Number(row.score) }))
}

/** Returns the turns within two steps of these, up and down their branches. */
export async function neighboursOf(
  db: Db,
  scope: TurnScope,
  ids: string[],
): Promise<{ id: string; parentId: string | null }[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<{ id: string; parent_id: string | null }>`
    with one as (
      select id, parent_id from messages where id = any(${ids}::uuid[]) or parent_id = any(${ids}::uuid[])
        or id in (select parent_id from messages where id = any(${ids}::uuid[])))
    select messages.id, messages.parent_id from messages
    join turn_index on turn_index.message_id = messages.id
    where (messages.id in (select id from one) or messages.parent_id in (select id from one)
      or messages.id in (select parent_id from one)) and ${scoped(scope)}
  `.execute(db)
  return rows.map((row) => ({ id: row.id, parentId: row.parent_id }))
}

/** Returns the turns with the most similar vectors, and their cosine similarity. */
export async function findTurnsByVector(
  db: Db,
  scope: TurnScope,
  query: { space: string; vector: Float32Array; limit: number },
): Promise<{ id: string; parentId: string | null; score: number }[]> {
  const { rows } = await sql<{ id: string; parent_id: string | null; distance: number }>`
    select messages.id, messages.parent_id, near.distance
    from (
      select turn_index.message_id, turn_vectors.embedding <=> ${vectorLiteral(query.vector)}::vector as distance
      from turn_index join turn_vectors on turn_vectors.message_id = turn_index.message_id
      where ${scoped(scope)} and turn_vectors.model = ${query.space}
      order by distance limit ${query.limit}
    ) as near
    join messages on messages.id = near.message_id
    order by near.distance
  `.execute(db)
  return rows.map((row) => ({ id: row.id, parentId: row.parent_id, score: 1 - Number(row.distance) }))
}

export async function findTurns(db: Db, ids: string[]): Promise<Map<string, FoundTurn>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<FoundTurn>`
    select id, conversation_id as "conversationId", parent_id as "parentId", role, content, layer_used as layer,
      created_at as "createdAt"
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
export async function turnsToEmbed(
  db: Db,
  space: string,
  limit: number,
): Promise<{ id: string; content: string }[]> {
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
