import { sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import type { Db } from '../../db/index.ts'

/** Which turns are looked at: one conversation's, or all that somebody had with an avee. */
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
  seq: number
  createdAt: Date
  score: number
}
type FoundRow = {
  id: string
  conversation_id: string
  parent_id: string | null
  role: 'user' | 'assistant'
  content: string
  layer_used: Layer
  seq: string
  created_at: Date
  score: number
}

const scoped = (scope: TurnScope) => {
  const whose =
    'conversationId' in scope
      ? sql<boolean>`turn_index.conversation_id = ${scope.conversationId}`
      : sql<boolean>`turn_index.user_id = ${scope.userId} and turn_index.avee_id = ${scope.aveeId}`
  return sql<boolean>`${whose} and turn_index.layer = any(${scope.layers}::text[])`
}

/** How many turns there are in each language, and whose they are. */
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

/** How many turns hold each of these words. */
export async function turnsHolding(db: Db, scope: TurnScope, terms: number[]): Promise<Map<number, number>> {
  if (terms.length === 0) return new Map()
  const { rows } = await sql<{ term: number; turns: string }>`
    select term, count(*) as turns
    from turn_index, unnest(turn_index.terms) as term
    where ${scoped(scope)} and turn_index.terms && ${terms}::int[] and term = any(${terms}::int[])
    group by term
  `.execute(db)
  return new Map(rows.map((row) => [row.term, Number(row.turns)]))
}

const columns = sql`messages.id, messages.conversation_id, messages.parent_id, messages.role, messages.content,
  messages.layer_used, messages.seq, messages.created_at`

const found = (row: FoundRow): FoundTurn => ({
  id: row.id,
  conversationId: row.conversation_id,
  parentId: row.parent_id,
  role: row.role,
  content: row.content,
  layer: row.layer_used,
  seq: Number(row.seq),
  createdAt: row.created_at,
  score: Number(row.score),
})

/** The score by words of every turn that shares one, the highest first: what stands next to each other is put together by the caller. */
export async function scoreTurns(
  db: Db,
  scope: TurnScope,
  question: { terms: number[]; vector: string; limit: number },
): Promise<{ id: string; parentId: string | null; score: number }[]> {
  const { rows } = await sql<{ id: string; parent_id: string | null; score: number }>`
    select messages.id, messages.parent_id, -hit.distance as score
    from (
      select message_id, lex <#> ${question.vector}::sparsevec as distance
      from turn_index
      where ${scoped(scope)} and terms && ${question.terms}::int[]
      order by distance limit ${question.limit}
    ) as hit
    join messages on messages.id = hit.message_id
  `.execute(db)
  return rows.map((row) => ({ id: row.id, parentId: row.parent_id, score: Number(row.score) }))
}

/** What lies within two steps of these turns, up and down their branches. */
export async function turnsAround(
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

/** The turns nearest in meaning, with their cosine. */
export async function nearTurns(
  db: Db,
  scope: TurnScope,
  ask: { space: string; vector: Float32Array; limit: number },
): Promise<{ id: string; parentId: string | null; cosine: number }[]> {
  const vector = `[${Array.from(ask.vector, (value) => +value.toPrecision(7)).join(',')}]`
  const { rows } = await sql<{ id: string; parent_id: string | null; distance: number }>`
    select messages.id, messages.parent_id, near.distance
    from (
      select turn_index.message_id, turn_vectors.embedding <=> ${vector}::vector as distance
      from turn_index join turn_vectors on turn_vectors.message_id = turn_index.message_id
      where ${scoped(scope)} and turn_vectors.model = ${ask.space}
      order by distance limit ${ask.limit}
    ) as near
    join messages on messages.id = near.message_id
    order by near.distance
  `.execute(db)
  return rows.map((row) => ({ id: row.id, parentId: row.parent_id, cosine: 1 - Number(row.distance) }))
}

export async function turnsById(db: Db, ids: string[]): Promise<Map<string, FoundTurn>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<FoundRow>`
    select ${columns}, 0 as score from messages where id = any(${ids}::uuid[])
  `.execute(db)
  return new Map(rows.map((row) => [row.id, found(row)]))
}

/** Those of the messages that lie on the branch that ends with a message. */
export async function onBranch(db: Db, leafId: string, ids: string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    with recursive branch as (
      select id, parent_id from messages where id = ${leafId}
      union all
      select messages.id, messages.parent_id from messages join branch on messages.id = branch.parent_id)
    select id from branch where id = any(${ids}::uuid[])
  `.execute(db)
  return new Set(rows.map((row) => row.id))
}

/** Indexed turns that have no vector of a space yet, the latest first. */
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
  await sql`
    insert into turn_vectors (message_id, model, embedding)
    select turn_index.message_id, ${space}, added.embedding::vector
    from unnest(${vectors.map(({ id }) => id)}::uuid[],
      ${vectors.map(({ vector }) => `[${Array.from(vector, (value) => +value.toPrecision(7)).join(',')}]`)}::text[]
    ) as added (id, embedding)
    join turn_index on turn_index.message_id = added.id
    on conflict do nothing
  `.execute(db)
}
