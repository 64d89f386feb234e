import { type Kysely, sql } from 'kysely'

/** Memory extraction becomes a job per conversation; the index of turns records which messages await it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `alter table turn_index add column awaits_extraction boolean not null default false`,
    `create index turn_index_awaiting on turn_index (conversation_id) where awaits_extraction`,
    // Messages that were waiting are not in the index yet. Rows without terms are analyzed by the job.
    `insert into turn_index
        (message_id, conversation_id, avee_id, user_id, layer, terms, lex, awaits_extraction)
      select messages.id, turns.conversation_id, avee_id, user_id, turns.layer, '{}', '{}/1000000000',
        learns and messages.id = turns.message_id
      from memory_turns turns join messages on messages.id in (turns.message_id, turns.answer_id)
      where done_at is null
      on conflict (message_id) do update set awaits_extraction = excluded.awaits_extraction`,
    `insert into jobs (id, kind, key, input, priority, due_at)
      select gen_random_uuid(), 'memory-extraction', conversation_id::text,
        json_build_object('conversationId', conversation_id), 0, now()
      from memory_turns where done_at is null group by conversation_id`,
    `drop table memory_turns`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
