import { type Kysely, sql } from 'kysely'

/** The tools of an avee, the calls of an answer, and what people decide about calls that need their approval. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    `alter table all_avees add column tools text[] not null default '{}'`,
    `create or replace view avees as select * from all_avees where conversation_id is null`,
    `alter table messages add column tool_calls jsonb not null default '[]'`,
    `create table tool_approvals (
      run_id uuid not null references runs on delete cascade,
      call_id text not null,
      approved boolean,
      primary key (run_id, call_id)
    )`,
  ])
    await sql.raw(statement).execute(db)
}
