import { type Kysely, sql } from 'kysely'

/** Documents from folders and web pages are identified by their URL instead of their bytes; renamed ones are indexed by jobs. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `drop index documents_same_bytes`,
    `create index documents_of_source on documents (avee_id, source_url) where source_url is not null`,
    // Files of the same bytes shared a document. Without their rows, the next scan gives each its own.
    `delete from folder_files where document_id in (
      select document_id from folder_files group by document_id having count(*) > 1
      union
      select id from documents where source <> 'folder'
    )`,
    // A copy of the document's layer, which a concurrent change of the layer could leave behind.
    `alter table passage_vectors drop column layer`,
    `insert into jobs (id, kind, key, input, priority, due_at)
      select distinct on (input->>'documentId')
        id, 'knowledge.reindex', input->>'documentId', json_build_object('documentId', input->>'documentId'), 0, now()
      from runs where kind = 'rename' and status = 'running'
      on conflict (kind, key) do nothing`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
