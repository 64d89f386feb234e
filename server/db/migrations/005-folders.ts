import { type Kysely, sql } from 'kysely'

/** Folders on the server whose files are synced as documents of an avee. */
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
    // Size and modification time of a file when it was read, to detect changes. Files with the same bytes share a document.
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
