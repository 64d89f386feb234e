import { type Kysely, sql } from 'kysely'

/** What an avee would say, for the tone of its answers. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    `alter table all_avees add column example_dialogue text not null default ''`,
    `create or replace view avees as select * from all_avees where conversation_id is null`,
  ])
    await sql.raw(statement).execute(db)
}
