import { type Kysely, sql } from 'kysely'

/** Summaries of the earlier part of long conversations, for prompts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    // A summary covers the branch from its beginning to message_id; other branches have their own summaries.
    // layer: the most private layer of the summarized answers.
    `create table conversation_summaries (
      message_id uuid primary key references messages on delete cascade,
      conversation_id uuid not null references conversations on delete cascade,
      layer text not null check (layer in ('public', 'friends', 'intimate')),
      content text not null,
      made_by text not null,
      created_at timestamptz not null default now()
    )`,
    `create index on conversation_summaries (conversation_id)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
