import { type Kysely, sql } from 'kysely'

const isLayer = (column: string) => `${column} in ('public', 'friends', 'intimate')`

/** Columns of layers without a check constraint. */
const unchecked = [
  ['conversations', 'layer_used'],
  ['messages', 'layer_used'],
  ['passages', 'layer'],
  ['passage_vectors', 'layer'],
  ['passage_terms', 'layer'],
  ['turn_index', 'layer'],
] as const

/** Indexes for lookups that scanned their table, and constraints for what the stores alone guaranteed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create index runs_of_subject on runs (kind, subject) where subject is not null`,
    `create index runs_of_scope on runs (scope) where scope is not null`,
    `create index runs_expired on runs (finished_at) where events_expired`,

    `update conversations set leaf_id = null
      where leaf_id is not null and not exists (select from messages where messages.id = leaf_id)`,
    `alter table conversations add foreign key (leaf_id) references messages on delete set null`,
    `create index on conversations (leaf_id) where leaf_id is not null`,

    ...['question_groups', 'avee_updates'].flatMap((table) => [
      `update ${table} set document_id = null
        where document_id is not null and not exists (select from documents where documents.id = document_id)`,
      `alter table ${table} add foreign key (document_id) references documents on delete set null`,
      `create index on ${table} (document_id) where document_id is not null`,
    ]),
    // A version is written before its document and outlives it, so a foreign key cannot hold; its document is the one
    // whose version it is.
    `alter table passages drop column document_id`,
    `alter table document_versions drop column document_id`,

    ...unchecked.flatMap(([table, column]) => [
      // No release has written another value. The most private layer exposes such a row to nobody.
      table === 'passage_terms'
        ? `delete from ${table} where not (${isLayer(column)})`
        : `update ${table} set ${column} = 'intimate' where not (${isLayer(column)})`,
      `alter table ${table} add check (${isLayer(column)})`,
    ]),
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
