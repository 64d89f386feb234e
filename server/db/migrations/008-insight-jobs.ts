import { type Kysely, sql } from 'kysely'

/** Moves pending turn analyses and updates into the job queue, and drops the columns that were their queues. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `insert into jobs (id, kind, key, input, priority, due_at)
      select gen_random_uuid(), case step when 'measure' then 'insight.analyze-turn' else 'insight.refine-turn' end,
        message_id::text, json_build_object('messageId', message_id), 0, now()
      from turn_insights where step in ('measure', 'ask_model')`,
    `insert into jobs (id, kind, key, input, priority, due_at)
      select gen_random_uuid(), 'insight.index-update', id::text, json_build_object('updateId', id), 0, now()
      from avee_updates where indexed_at is null`,
    `alter table turn_insights drop column step, drop column attempts, drop column due_at`,
    `alter table avee_updates drop column indexed_at, drop column due_at`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
