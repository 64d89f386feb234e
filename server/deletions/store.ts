import { sql } from 'kysely'
import { type Db, newId, type Row } from '../db/index.ts'

export type DeletionRow = Row<'deletions'>

export type Counts = Record<string, number>

/** What is deleted: one of these, with everything that belongs to it. */
export type Subject =
  | { userId: string }
  | { aveeId: string }
  | { conversationId: string }
  | { documentIds: string[] }

/** Counts what a deletion concerns, by kind; kinds without any are left out. */
export async function countContents(db: Db, subject: Subject): Promise<Counts> {
  const user = 'userId' in subject ? subject.userId : null
  const avee = 'aveeId' in subject ? subject.aveeId : null
  const conversation = 'conversationId' in subject ? subject.conversationId : null
  const documents = 'documentIds' in subject ? subject.documentIds : []
  const { rows } = await sql<{ kind: string; count: number }>`
    with a as (select id from avees where id = ${avee} or owner_id = ${user}),
      d as (select passages from documents where avee_id in (select id from a) or id = any(${documents}::uuid[])),
      c as (
        select id from conversations
        where avee_id in (select id from a) or user_id = ${user} or id = ${conversation}
      ),
      m as (select id from messages where conversation_id in (select id from c))
    select 'users' as kind, count(*)::int as count from users where id = ${user}
    union all select 'avees', count(*)::int from a
    union all select 'documents', count(*)::int from d
    union all select 'passages', coalesce(sum(passages), 0)::int from d
    union all select 'conversations', count(*)::int from c
    union all select 'messages', count(*)::int from m
    union all select 'memories', count(*)::int from memories
      where avee_id in (select id from a) or user_id = ${user}
        or not edited and id in (
          select memory_id from memory_sources group by memory_id having bool_and(message_id in (select id from m))
        )`.execute(db)
  return Object.fromEntries(rows.filter(({ count }) => count > 0).map(({ kind, count }) => [kind, count]))
}

export async function insertDeletion(
  db: Db,
  userId: string | null,
  counts: Counts,
  documents: string[],
): Promise<DeletionRow> {
  return await db
    .insertInto('deletions')
    .values({ id: newId(), user_id: userId, counts: JSON.stringify(counts), documents })
    .returningAll()
    .executeTakeFirstOrThrow()
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

export async function listPendingDeletions(db: Db): Promise<Pick<DeletionRow, 'id' | 'documents'>[]> {
  return await db.selectFrom('deletions').select(['id', 'documents']).where('purged_at', 'is', null).execute()
}

export async function markPurged(db: Db, ids: string[]): Promise<void> {
  await db.updateTable('deletions').set({ purged_at: sql<Date>`now()` }).where('id', 'in', ids).execute()
}

/** Deletes receipts of purges that were done more than `days` ago. */
export async function deleteOldReceipts(db: Db, days: number): Promise<void> {
  await db
    .deleteFrom('deletions')
    .where('purged_at', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .execute()
}
