import { type Kysely, sql } from 'kysely'

/** Folders of the server's machine whose files are an avee's documents. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `alter table documents drop constraint documents_source_check`,
    `alter table documents add constraint documents_source_check
      check (source in ('upload', 'text', 'url', 'folder'))`,
    `create table folders (
      id uuid primary key,
      avee_id uuid not null references avees on delete cascade,
      path text not null,
      layer text not null check (layer in ('public', 'friends', 'intimate')),
      looked_at timestamptz,
      problem text,
      created_at timestamptz not null default now(),
      unique (avee_id, path)
    )`,
    // What a file was when it was taken in: one that is still so is not read again. Its document may be shared with a file of the same bytes.
    `create table folder_files (
      folder_id uuid not null references folders on delete cascade,
      path text not null,
      bytes bigint not null,
      modified_ms bigint not null,
      document_id uuid references documents on delete set null,
      problem text,
      primary key (folder_id, path)
    )`,
    `create index on folder_files (document_id)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
