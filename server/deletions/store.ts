import { sql } from 'kysely'
import { type Db, newId, type Row, type Trx } from '../db/index.ts'

export type DeletionRow = Row<'deletions'>

export type Counts = Record<string, number>

/** The subject of a deletion, with everything that belongs to it. */
export type Subject =
  | { userId: string }
  | { aveeId: string }
  | { conversationId: string }
  | { documentIds: string[] }
  /** What this deletion has moved to the trash. */
  | { deletionId: string }

/** Counts the contents of a deletion by kind; kinds without any are left out. */
export async function countContents(db: Db, subject: Subject): Promise<Counts> {
  const user = 'userId' in subject ? subject.userId : null
  const avee = 'aveeId' in subject ? subject.aveeId : null
  const conversation = 'conversationId' in subject ? subject.conversationId : null
  const documents = 'documentIds' in subject ? subject.documentIds : []
  const deletion = 'deletionId' in subject ? subject.deletionId : null
  const { rows } = await sql<{ kind: string; count: number }>`
    with a as (select id from avees where id = ${avee} or owner_id = ${user}),
      c as (
        select id from all_conversations
        where avee_id in (select id from a) or user_id = ${user} or id = ${conversation} or deletion_id = ${deletion}
      ),
      d as (
        select passages from all_documents
        where avee_id in (select id from a union all select id from c) or id = any(${documents}::uuid[])
          or deletion_id = ${deletion}
      ),
      m as (select id from messages where conversation_id in (select id from c))
    select 'users' as kind, count(*)::int as count from users where id = ${user}
    union all select 'avees', count(*)::int from a
    union all select 'documents', count(*)::int from d
    union all select 'passages', coalesce(sum(passages), 0)::int from d
    union all select 'conversations', count(*)::int from c
    union all select 'messages', count(*)::int from m
    union all select 'memories', count(*)::int from memories
      where avee_id in (select id from a) or user_id = ${user} or deletion_id = ${deletion}
        or ${deletion}::uuid is null and not edited and id in (
          select memory_id from memory_sources group by memory_id having bool_and(message_id in (select id from m))
        )`.execute(db)
  return Object.fromEntries(rows.filter(({ count }) => count > 0).map(({ kind, count }) => [kind, count]))
}

/** Inserts a deletion, which can be undone for `undoDays`. */
export async function insertDeletion(
  db: Db,
  userId: string | null,
  { counts, documents, undoDays }: { counts: Counts; documents: string[]; undoDays?: number },
): Promise<DeletionRow> {
  return await db
    .insertInto('deletions')
    .values({
      id: newId(),
      user_id: userId,
      counts: JSON.stringify(counts),
      documents,
      restorable_until: undoDays === undefined ? null : sql<Date>`now() + make_interval(days => ${undoDays})`,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Counts again what a deletion has moved to the trash. */
export async function updateContents(trx: Trx, id: string): Promise<DeletionRow> {
  const documents = trx.selectFrom('all_documents').select('id').where('deletion_id', '=', id)
  return await trx
    .updateTable('deletions')
    .set({
      counts: JSON.stringify(await countContents(trx, { deletionId: id })),
      documents: sql<string[]>`array(${documents})`,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function deleteDeletion(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('deletions').where('id', '=', id).execute()
}

/** Locks a deletion until the end of the transaction. Returns false when it can no longer be undone. */
export async function lockRestorable(trx: Trx, id: string): Promise<boolean> {
  const locked = trx.selectFrom('deletions').select('id').where('id', '=', id).forUpdate()
  return (await locked.where('restorable_until', '>', sql<Date>`now()`).executeTakeFirst()) !== undefined
}

/** Finds a deletion; `user_id` is null if the user who deleted has been deleted. */
export async function findDeletion(db: Db, id: string): Promise<DeletionRow | undefined> {
  const found = await db
    .selectFrom('deletions')
    .leftJoin('users', 'users.id', 'deletions.user_id')
    .selectAll('deletions')
    .select('users.id as present_user_id')
    .where('deletions.id', '=', id)
    .executeTakeFirst()
  if (!found) return undefined
  const { present_user_id: userId, ...deletion } = found
  return { ...deletion, user_id: userId }
}

/** Lists deletions whose contents have expired in the trash, or were deleted from it with an avee or account. */
export async function listExpired(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from deletions
    where purged_at is null and (restorable_until <= now() or restorable_until is not null
      and not exists (select from all_documents where deletion_id = deletions.id)
      and not exists (select from all_conversations where deletion_id = deletions.id)
      and not exists (select from memories where deletion_id = deletions.id))
    order by created_at`.execute(db)
  return rows.map(({ id }) => id)
}

/** Ends the time in the trash. Returns false if it has already ended. */
export async function endRestorable(trx: Trx, id: string): Promise<boolean> {
  const ended = trx.updateTable('deletions').set({ restorable_until: null }).where('id', '=', id)
  return (
    (await ended.where('restorable_until', 'is not', null).returning('id').executeTakeFirst()) !== undefined
  )
}

/** An answer may read a document just before the deleting transaction commits. */
const overlap = sql`interval '1 minute'`

/** Lists deletions that still have to be cleaned up; `isWaiting` while an answer from before the deletion is running. */
export async function listUncleaned(db: Db) {
  return await db
    .selectFrom('deletions')
    .select(['id', 'documents'])
    .select(
      sql<boolean>`documents <> '{}' and exists (
        select from messages where status = 'streaming' and messages.created_at < deletions.created_at + ${overlap}
        union all
        select from runs join completions on run_id = runs.id
        where status = 'running' and runs.created_at < deletions.created_at + ${overlap}
      )`.as('isWaiting'),
    )
    .where('cleaned_at', 'is', null)
    .where('restorable_until', 'is', null)
    .execute()
}

/** Lists deletions whose rows may still be in the files of the database. */
export async function listCleaned(db: Db): Promise<string[]> {
  const cleaned = db.selectFrom('deletions').select('id').where('cleaned_at', 'is not', null)
  return (await cleaned.where('purged_at', 'is', null).execute()).map(({ id }) => id)
}

export async function mark(db: Db, step: 'cleaned_at' | 'purged_at', ids: string[]): Promise<void> {
  await db
    .updateTable('deletions')
    .set({ [step]: sql<Date>`now()` })
    .where('id', 'in', ids)
    .execute()
}

/** Deletes receipts of purges that were done more than `days` ago. */
export async function deleteOldReceipts(db: Db, days: number): Promise<void> {
  await db
    .deleteFrom('deletions')
    .where('purged_at', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .execute()
}
