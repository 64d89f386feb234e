import { sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import type { Database, Db, Row, Trx } from '../../db/index.ts'
import type { Pair } from '../words.ts'

/** A turn whose answer has just been stored. */
export type Turn = Pair & {
  conversationId: string
  userMessageId: string
  messageId: string
  layer: Layer
  /** The memories that the answer was given. */
  recalled: string[]
}

export type PendingTurn = Row<'memory_turns'>

/** Notes a turn to be read later. When a question is answered anew its new answer is indexed; nothing is learned from it twice. */
export async function insertTurn(trx: Trx, turn: Turn): Promise<void> {
  await sql`
    insert into memory_turns (message_id, answer_id, conversation_id, avee_id, user_id, layer, learns)
    select ${turn.userMessageId}, ${turn.messageId}, ${turn.conversationId}, ${turn.aveeId}, ${turn.userId}, ${turn.layer},
      not exists (
        select 1 from memory_settings
        where user_id = ${turn.userId} and (avee_id is null or avee_id = ${turn.aveeId}) and not enabled)
    on conflict (message_id) do update set answer_id = excluded.answer_id, done_at = null, attempts = 0,
      learns = memory_turns.learns and memory_turns.done_at is null
  `.execute(trx)
  if (turn.recalled.length === 0) return
  await sql`
    insert into memory_uses (message_id, memory_id)
    select ${turn.messageId}, id from memories where id = any(${turn.recalled}::uuid[]) and user_id = ${turn.userId}
    on conflict do nothing
  `.execute(trx)
}

/**
 * Takes the waiting turns of one conversation for `claimMs`: those that come fast are read together, once the
 * conversation has been quiet for `quietMs` or the first has waited `longestMs`. No other node gets them meanwhile.
 */
export async function claimTurns(
  database: Database,
  how: { quietMs: number; longestMs: number; claimMs: number; most: number; conversationId?: string },
): Promise<PendingTurn[]> {
  const interval = (ms: number) => sql`make_interval(secs => ${ms / 1000}::float8)`
  return await database.transaction(async (trx) => {
    const { rows } = await sql<{ conversation_id: string }>`
      select conversation_id from memory_turns
      where done_at is null ${how.conversationId === undefined ? sql`` : sql`and conversation_id = ${how.conversationId}`}
      group by conversation_id
      having bool_and(claimed_until is null or claimed_until < clock_timestamp())
        and (max(created_at) <= clock_timestamp() - ${interval(how.quietMs)}
          or min(created_at) <= clock_timestamp() - ${interval(how.longestMs)})
      order by min(created_at) limit 1
    `.execute(trx)
    const [conversation] = rows
    if (!conversation) return []
    const { rows: turns } = await sql<PendingTurn>`
      update memory_turns
      set claimed_until = clock_timestamp() + ${interval(how.claimMs)}, attempts = attempts + 1
      where message_id in (
        select message_id from memory_turns
        where conversation_id = ${conversation.conversation_id} and done_at is null
          and (claimed_until is null or claimed_until < clock_timestamp())
        order by created_at limit ${how.most} for update skip locked)
      returning *
    `.execute(trx)
    return turns.toSorted((a, b) => a.created_at.getTime() - b.created_at.getTime())
  })
}

/** When the next waiting turn may be read, in milliseconds from now; null when none waits. */
export async function nextDueIn(db: Db, quietMs: number): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(greatest(created_at + make_interval(secs => ${quietMs / 1000}::float8),
      coalesce(claimed_until, created_at))) - clock_timestamp()) * 1000 as ms
    from memory_turns where done_at is null
  `.execute(db)
  const ms = rows[0]?.ms
  return ms === null || ms === undefined ? null : Math.max(0, Number(ms))
}

/** Gives turns back, so that another node takes them at once. */
export async function releaseTurns(db: Db, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return
  await db
    .updateTable('memory_turns')
    .set({ claimed_until: null })
    .where('message_id', 'in', messageIds)
    .where('done_at', 'is', null)
    .execute()
}

/** Those of the turns that may still be learned from. They stay so until the transaction ends. */
export async function learningTurns(trx: Trx, messageIds: string[]): Promise<Set<string>> {
  const rows = await trx
    .selectFrom('memory_turns')
    .select('message_id')
    .where('message_id', 'in', messageIds)
    .where('learns', '=', true)
    .forUpdate()
    .execute()
  return new Set(rows.map((row) => row.message_id))
}

export async function finishTurns(trx: Trx, messageIds: string[], now: Date): Promise<void> {
  await trx
    .updateTable('memory_turns')
    .set({ done_at: now, claimed_until: null })
    .where('message_id', 'in', messageIds)
    .execute()
}

export type TurnMessage = Pick<
  Row<'messages'>,
  'id' | 'role' | 'content' | 'layer_used' | 'model' | 'created_at' | 'seq' | 'status'
>

/** The messages of turns, in their order. */
export async function messagesOf(db: Db, ids: string[]): Promise<TurnMessage[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('messages')
    .select(['id', 'role', 'content', 'layer_used', 'model', 'created_at', 'seq', 'status'])
    .where('id', 'in', ids)
    .execute()
  return rows.toSorted((a, b) => Number(a.seq) - Number(b.seq))
}

/** The names by which the two are spoken of. */
export async function speakersOf(
  db: Db,
  { aveeId, userId }: Pair,
): Promise<{ user: string; assistant: string }> {
  const [user, avee] = await Promise.all([
    db.selectFrom('users').select('display_name').where('id', '=', userId).executeTakeFirst(),
    db.selectFrom('avees').select('display_name').where('id', '=', aveeId).executeTakeFirst(),
  ])
  return { user: user?.display_name ?? '', assistant: avee?.display_name ?? '' }
}

export async function indexTurn(
  trx: Trx,
  turn: Pair & {
    messageId: string
    conversationId: string
    layer: Layer
    language: string | null
    terms: number[]
    vector: string
  },
): Promise<void> {
  await trx
    .insertInto('turn_index')
    .values({
      message_id: turn.messageId,
      conversation_id: turn.conversationId,
      avee_id: turn.aveeId,
      user_id: turn.userId,
      layer: turn.layer,
      language: turn.language,
      terms: turn.terms,
      lex: turn.vector,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** The conversation of a noted turn, by its question. */
export async function conversationOfTurn(db: Db, userMessageId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('memory_turns')
    .select('conversation_id')
    .where('message_id', '=', userMessageId)
    .executeTakeFirst()
  return row?.conversation_id
}
