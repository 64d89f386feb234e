import { type Kysely, sql } from 'kysely'

/**
 * The attachments of a conversation are the documents of a hidden avee that has the id of the conversation. `avees`
 * becomes a view without hidden ones, so that no query finds them by accident; foreign keys refer to `all_avees`.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    `alter table avees rename to all_avees`,
    `alter table all_avees add column conversation_id uuid references all_conversations on delete cascade,
      add check (conversation_id = id)`,
    `create index on all_avees (conversation_id) where conversation_id is not null`,
    `create view avees as select * from all_avees where conversation_id is null`,
    `alter table messages add column attachments uuid[] not null default '{}'`,
  ])
    await sql.raw(statement).execute(db)
}
