import { type Kysely, sql } from 'kysely'

/**
 * The first schema, for PGlite and PostgreSQL 15 or later. The application generates ids; `seq` columns define the order
 * of rows, as timestamps can repeat within a millisecond; wire text is stored as text.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create extension if not exists vector`,

    `create table settings (
      key text primary key,
      value jsonb not null
    )`,

    `create table users (
      id uuid primary key,
      email text unique,
      password_hash text,
      handle text unique,
      display_name text not null,
      is_admin boolean not null default false,
      created_at timestamptz not null default now()
    )`,
    `create table sessions (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      token_hash text not null unique,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`,
    `create index on sessions (user_id)`,

    `create table avees (
      id uuid primary key,
      owner_id uuid not null references users on delete cascade,
      handle text not null,
      is_library boolean not null default false,
      display_name text not null,
      bio text not null default '',
      persona text not null default '',
      persona_notes text not null default '',
      greeting text not null default '',
      avatar text,
      visibility text not null default 'public' check (visibility in ('public', 'unlisted', 'private')),
      model text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`,
    `create unique index avees_handle on avees (handle) where not is_library`,
    `create unique index avees_library on avees (owner_id) where is_library`,
    `create index on avees (owner_id)`,
    `create table grants (
      avee_id uuid not null references avees on delete cascade,
      user_id uuid not null references users on delete cascade,
      max_layer text not null check (max_layer in ('public', 'friends', 'intimate')),
      created_at timestamptz not null default now(),
      primary key (avee_id, user_id)
    )`,
    `create index on grants (user_id)`,
    `create table follows (
      avee_id uuid not null references avees on delete cascade,
      user_id uuid not null references users on delete cascade,
      created_at timestamptz not null default now(),
      primary key (avee_id, user_id)
    )`,
    `create index on follows (user_id)`,

    `create table api_keys (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      avee_id uuid references avees on delete cascade,
      name text not null,
      prefix text not null,
      key_hash text not null unique,
      created_at timestamptz not null default now(),
      last_used_at timestamptz,
      expires_at timestamptz
    )`,
    `create index on api_keys (user_id)`,

    // Input and error are json, not jsonb, which cannot store NUL and lone surrogates.
    // No index contains a column that the commit of a token changes, so that these are HOT updates.
    `create table runs (
      id uuid primary key,
      kind text not null,
      user_id uuid not null references users on delete cascade,
      subject text,
      scope text,
      input json not null,
      status text not null default 'running' check (status in ('running', 'complete', 'stopped', 'failed')),
      attempt int not null default 1,
      last_event int not null default 0,
      node_id text,
      process_id text,
      lease_until timestamptz,
      stop_requested boolean not null default false,
      events_expired boolean not null default false,
      error json,
      idempotency_key text,
      created_at timestamptz not null default now(),
      finished_at timestamptz
    ) with (fillfactor = 50)`,
    // One running run per subject: an answer per conversation, a download per model.
    `create unique index runs_one_for_a_subject on runs (kind, subject) where status = 'running' and subject is not null`,
    `create unique index runs_idempotency on runs (user_id, idempotency_key) where idempotency_key is not null`,
    `create index runs_running on runs (id) where status = 'running'`,
    `create index runs_of_user on runs (user_id, created_at desc)`,
    `create index runs_finished on runs (finished_at) where finished_at is not null and not events_expired`,
    `create table run_events (
      run_id uuid not null references runs on delete cascade,
      n int not null,
      data text not null,
      primary key (run_id, n)
    )`,

    `create table conversations (
      id uuid primary key,
      avee_id uuid not null references avees on delete cascade,
      user_id uuid not null references users on delete cascade,
      title text,
      title_by text not null default 'auto' check (title_by in ('auto', 'user')),
      layer_used text not null,
      leaf_id uuid,
      pinned boolean not null default false,
      archived boolean not null default false,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`,
    `create index conversations_of_user on conversations (user_id, updated_at desc)`,
    `create index on conversations (avee_id)`,
    `create table messages (
      id uuid primary key,
      seq bigint generated always as identity,
      conversation_id uuid not null references conversations on delete cascade,
      parent_id uuid references messages on delete cascade,
      role text not null check (role in ('user', 'assistant')),
      content text not null,
      status text not null check (status in ('streaming', 'complete', 'stopped', 'failed')),
      layer_used text not null,
      model text,
      model_reason text,
      finish_reason text,
      citations json not null default '[]',
      usage json,
      error json,
      run_id uuid references runs on delete set null,
      created_at timestamptz not null default now()
    )`,
    `create index messages_of_conversation on messages (conversation_id, seq)`,
    `create index on messages (parent_id)`,
    `create index on messages (run_id)`,

    // The content of a document is written as a version, which becomes visible (live) in one step when it is complete,
    // and invisible (retired) in one step; the rows of a retired version are then deleted in batches.
    `create table document_versions (
      id bigint generated always as identity primary key,
      document_id uuid not null,
      avee_id uuid not null references avees on delete cascade,
      state text not null check (state in ('building', 'live', 'retired')),
      run_id uuid,
      file int
    )`,
    `create index document_versions_hidden on document_versions (avee_id) where state <> 'live'`,
    `create index document_versions_of_run on document_versions (run_id) where state = 'building'`,
    `create index on document_versions (document_id)`,
    `create table documents (
      id uuid primary key,
      avee_id uuid not null references avees on delete cascade,
      version bigint not null references document_versions on delete cascade,
      layer text not null check (layer in ('public', 'friends', 'intimate')),
      title text not null,
      filename text,
      type text not null,
      source text not null check (source in ('upload', 'text', 'url')),
      source_url text,
      sha256 text not null,
      bytes bigint not null,
      pages int not null default 0,
      passages int not null default 0,
      language text,
      embedded_by text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`,
    `create unique index documents_same_bytes on documents (avee_id, sha256)`,
    `create index documents_of_avee on documents (avee_id, id)`,
    `create index on documents (sha256)`,
    `create index on documents (version)`,
    `create table document_pages (
      version bigint not null references document_versions on delete cascade,
      page int not null,
      text text not null,
      primary key (version, page)
    )`,
    // layer and avee_id are copies of the document's, so that a search filters without a join.
    // terms are hashes of an avee and a term, so that posting lists are separate per avee.
    `create table passages (
      id bigint generated always as identity primary key,
      version bigint not null references document_versions on delete cascade,
      document_id uuid not null,
      avee_id uuid not null,
      layer text not null,
      n int not null,
      page int,
      section int not null,
      start_offset int not null,
      end_offset int not null,
      heading text,
      text text not null,
      terms int[] not null,
      lex sparsevec(1000000000) not null,
      unique (version, n)
    )`,
    `create index passages_of_avee on passages (avee_id)`,
    `create index passages_terms on passages using gin (terms) with (fastupdate = off)`,
    // The context of passages: a page, or a few hundred words of a longer text.
    `create table document_sections (
      version bigint not null references document_versions on delete cascade,
      section int not null,
      lex sparsevec(1000000000) not null,
      primary key (version, section)
    )`,
    // Document frequencies per avee and layer: separate by layer, so that invisible passages do not affect ranking.
    `create table passage_terms (
      avee_id uuid not null references avees on delete cascade,
      term int not null,
      layer text not null,
      word text not null,
      passages int not null,
      primary key (avee_id, term, layer)
    )`,
    // The column has no dimensions, as these differ by embedding model.
    `create table passage_vectors (
      passage_id bigint not null references passages on delete cascade,
      version bigint not null,
      avee_id uuid not null,
      layer text not null,
      model text not null,
      embedding vector not null,
      primary key (passage_id, model)
    )`,
    // The original files of an upload, until each is a document or has failed.
    `create table ingest_files (
      run_id uuid not null references runs on delete cascade,
      file int not null,
      sha256 text not null,
      primary key (run_id, file)
    )`,
    `create index on ingest_files (sha256)`,
    `create index on passage_vectors (avee_id, model)`,
    `create index on passage_vectors (version)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
