import { type Kysely, sql } from 'kysely'

/** Visitors without an account are users who see one avee, and who are deleted when their session ends. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `alter table avees
      add column anonymous boolean not null default false,
      add column example_questions text[] not null default '{}'`,
    `alter table users add column visited_avee_id uuid references avees on delete cascade`,
    `create index on users (visited_avee_id) where visited_avee_id is not null`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
