import { type Kysely, sql } from 'kysely'

/**
 * The documents that stored texts rest on, so that a reader's access to them can be checked when the texts are read.
 * The arrays have no foreign keys: the id of a deleted document shows that it was deleted.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // PostgreSQL cannot read JSON that contains an escaped NUL, so the ids are found in its text.
  const citedIn = (citations: string) =>
    `select distinct found[1]::uuid from regexp_matches(${citations}, '"document_id" ?: ?"([0-9a-f-]{36})"', 'g') as found`
  const statements = [
    `alter table messages add column documents uuid[] not null default '{}'`,
    `update messages set documents = array(${citedIn('citations::text')}) where citations::text like '%"document_id"%'`,

    // The documents that topics, findings and follow-ups come from.
    `alter table turn_insights add column sources uuid[] not null default '{}'`,
    `update turn_insights set sources = messages.documents from messages where messages.id = message_id`,
    // It is not known which documents these came from.
    `update turn_insights set follow_ups = '[]' where follow_ups::text <> '[]'`,

    `alter table conversation_summaries add column documents uuid[] not null default '{}'`,
    `update conversation_summaries set documents = array(
        select distinct unnest(answers.documents) from messages as last
        join messages as answers on answers.conversation_id = last.conversation_id and answers.seq <= last.seq
        where last.id = message_id
      )`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
