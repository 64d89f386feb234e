import { type Kysely, sql } from 'kysely'

/** Links to snapshots of conversations: the branch that ends in a message. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    `create table shares (
      id uuid primary key,
      conversation_id uuid not null references all_conversations on delete cascade,
      leaf_id uuid not null references messages on delete cascade,
      title text,
      token_hash text not null unique,
      created_at timestamptz not null default now(),
      expires_at timestamptz
    )`,
    `create index on shares (conversation_id)`,
    `create index on shares (leaf_id)`,
  ])
    await sql.raw(statement).execute(db)
}
