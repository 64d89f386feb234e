import { type Kysely, sql } from 'kysely'

const inTrash = (table: string) => [
  `alter table ${table} add column deletion_id uuid references deletions`,
  `create index on ${table} (deletion_id) where deletion_id is not null`,
]

/**
 * What is in the trash refers to its deletion. `documents` and `conversations` become views without it, so that no query
 * finds it by accident; foreign keys refer to the tables `all_documents` and `all_conversations`.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `alter table deletions add column restorable_until timestamptz, add column cleaned_at timestamptz`,
    `update deletions set cleaned_at = purged_at`,
    `create index on deletions (created_at) where purged_at is null`,
    ...['documents', 'conversations'].flatMap((name) => [
      `alter table ${name} rename to all_${name}`,
      ...inTrash(`all_${name}`),
      `create view ${name} as select * from all_${name} where deletion_id is null`,
    ]),

    `alter table memories add column deletion_id uuid`,
    `update memories set deletion_id = gen_random_uuid() where forgotten_at is not null`,
    `insert into deletions (id, user_id, counts, created_at, restorable_until)
      select deletion_id, user_id, '{"memories": 1}', forgotten_at, forgotten_at + interval '7 days'
      from memories where deletion_id is not null`,
    `alter table memories drop column forgotten_at, add foreign key (deletion_id) references deletions`,
    `create index on memories (deletion_id) where deletion_id is not null`,

    // Passages of documents in the trash are in no layer.
    ...['passages', 'passage_terms'].flatMap((table) => [
      `alter table ${table} drop constraint ${table}_layer_check`,
      `alter table ${table} add check (layer in ('public', 'friends', 'intimate', 'trash'))`,
    ]),
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
