import { sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import type { Db, Trx } from '../../db/index.ts'
import type { Pair } from '../terms.ts'

/** A row of the index over turns. */
export type IndexedTurn = Pair & {
  messageId: string
  conversationId: string
  layer: Layer
  language: string | null
  terms: number[]
  vector: string
}

/**
 * Indexes messages. `question` awaits extraction unless it was indexed before (its answer was regenerated) or
 * remembering is off.
 */
export async function indexTurns(trx: Trx, turns: IndexedTurn[], question: string): Promise<void> {
  if (turns.length === 0) return
  const rows = turns.map(
    (
      turn,
    ) => sql`(${turn.messageId}::uuid, ${turn.conversationId}::uuid, ${turn.aveeId}::uuid, ${turn.userId}::uuid,
      ${turn.layer}, ${turn.language}, ${turn.terms}::int[], ${turn.vector}::sparsevec,
      ${turn.messageId === question} and not exists (
        select from memory_settings
        where user_id = ${turn.userId} and (avee_id is null or avee_id = ${turn.aveeId}) and not enabled))`,
  )
  await sql`
    insert into turn_index (message_id, conversation_id, avee_id, user_id, layer, language, terms, lex, awaits_extraction)
    values ${sql.join(rows)}
    on conflict (message_id) do update set language = excluded.language, terms = excluded.terms, lex = excluded.lex
    where turn_index.terms = '{}'`.execute(trx)
}

/** Excludes a conversation from extraction; waits while one is being stored. */
export async function cancelExtractionFrom(trx: Trx, conversationId: string): Promise<void> {
  const turns = trx.updateTable('turn_index').where('conversation_id', '=', conversationId)
  await turns.set({ awaits_extraction: false }).execute()
}

/** Removes the turns of a conversation from the index; waits while an extraction is being stored. */
export async function deleteTurns(trx: Trx, conversationId: string): Promise<void> {
  await trx.deleteFrom('turn_index').where('conversation_id', '=', conversationId).execute()
}

/** Records which memories the prompt of an answer contained. */
export async function insertUses(
  trx: Trx,
  { messageId, userId, memoryIds }: { messageId: string; userId: string; memoryIds: string[] },
): Promise<void> {
  if (memoryIds.length === 0) return
  await sql`
    insert into memory_uses (message_id, memory_id)
    select ${messageId}, id from memories where id = any(${memoryIds}::uuid[]) and user_id = ${userId}
    on conflict do nothing`.execute(trx)
}

/** A message of the user; `model` is the name of the model that answered it. */
export type UserMessage = { id: string; text: string; writtenAt: Date; layer: Layer; model: string | null }
type AwaitingTurn = UserMessage & Pair & { localOnly: boolean }

/** Returns the oldest messages of a conversation that await extraction. */
export async function turnsAwaitingExtraction(db: Db, conversationId: string, limit: number) {
  const { rows } = await sql<AwaitingTurn>`
    select messages.id, turn_index.avee_id as "aveeId", turn_index.user_id as "userId", turn_index.layer,
      messages.content as text, messages.created_at as "writtenAt", (
        select answers.model from messages answers where answers.parent_id = messages.id
        order by answers.seq desc limit 1) as model,
      avees.local_only or conversations.local_only as "localOnly"
    from turn_index join messages on messages.id = turn_index.message_id
      join conversations on conversations.id = turn_index.conversation_id
      join avees on avees.id = turn_index.avee_id
    where turn_index.conversation_id = ${conversationId} and turn_index.awaits_extraction
    order by messages.seq limit ${limit}`.execute(db)
  return rows
}

/** Returns which of the messages still await extraction, and locks them until the transaction ends. */
export async function lockAwaiting(trx: Trx, messageIds: string[]): Promise<Set<string>> {
  const rows = await trx
    .selectFrom('turn_index')
    .select('message_id')
    .where('message_id', 'in', messageIds)
    .where('awaits_extraction', '=', true)
    .forUpdate()
    .execute()
  return new Set(rows.map((row) => row.message_id))
}

export async function finishExtraction(trx: Trx, messageIds: string[]): Promise<void> {
  const done = { awaits_extraction: false }
  await trx.updateTable('turn_index').set(done).where('message_id', 'in', messageIds).execute()
}

/** Excludes the earlier messages of a user, to one avee or to all, from extraction. */
export async function cancelExtraction(trx: Trx, userId: string, aveeId: string | null): Promise<void> {
  await trx
    .updateTable('turn_index')
    .set({ awaits_extraction: false })
    .where('user_id', '=', userId)
    .where('awaits_extraction', '=', true)
    .$if(aveeId !== null, (query) => query.where('avee_id', '=', aveeId ?? ''))
    .execute()
}

/**
 * Adds the messages of a conversation to the index. The next extraction job analyzes them, but extracts no memories.
 */
export async function insertUnanalyzed(trx: Trx, conversationId: string): Promise<void> {
  await sql`
    insert into turn_index (message_id, conversation_id, avee_id, user_id, layer, terms, lex, awaits_extraction)
    select messages.id, conversations.id, avee_id, user_id, messages.layer_used, '{}', '{}/1000000000', false
    from messages join conversations on conversations.id = messages.conversation_id
    where conversations.id = ${conversationId}`.execute(trx)
}

/** A message that was added to the index without analyzing it. */
export type UnanalyzedTurn = Omit<IndexedTurn, 'language' | 'terms' | 'vector'> & {
  role: 'user' | 'assistant'
  content: string
}

export async function unanalyzedTurns(db: Db, conversationId: string): Promise<UnanalyzedTurn[]> {
  const { rows } = await sql<UnanalyzedTurn>`
    select message_id as "messageId", turn_index.conversation_id as "conversationId", avee_id as "aveeId",
      user_id as "userId", layer, role, content
    from turn_index join messages on messages.id = message_id
    where turn_index.conversation_id = ${conversationId} and terms = '{}'
    order by messages.seq`.execute(db)
  return rows
}

/** Returns the display names of the user and the avee, and the most frequent language of the turns of a conversation. */
export async function readSpeakers(
  db: Db,
  { aveeId, userId, conversationId }: Pair & { conversationId: string },
) {
  const { rows } = await sql<{ user: string | null; assistant: string | null; language: string | null }>`
    select (select display_name from users where id = ${userId}) as user,
      (select display_name from avees where id = ${aveeId}) as assistant, (
        select language from turn_index where conversation_id = ${conversationId} and language is not null
        group by language order by count(*) desc limit 1) as language`.execute(db)
  return {
    speakers: { user: rows[0]?.user ?? '', assistant: rows[0]?.assistant ?? '' },
    usual: rows[0]?.language ?? null,
  }
}

/** Returns the conversation of an indexed message. */
export async function conversationOf(db: Db, messageId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('turn_index')
    .select('conversation_id')
    .where('message_id', '=', messageId)
    .executeTakeFirst()
  return row?.conversation_id
}
