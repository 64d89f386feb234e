import { type Kysely, sql } from 'kysely'

/** What avees remember of users, and the search index over conversation turns. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    // Memories with the same subject and attribute can contradict each other. terms are hashes of user, avee and term.
    // A forgotten memory is soft-deleted and can be restored until it is purged.
    `create table memories (
      id uuid primary key,
      avee_id uuid not null references avees on delete cascade,
      user_id uuid not null references users on delete cascade,
      type text not null check (type in ('fact', 'preference', 'relationship', 'event')),
      content text not null,
      subject text not null,
      attribute text not null,
      value text not null,
      confidence real not null check (confidence between 0 and 1),
      importance real not null check (importance between 0 and 1),
      layer text not null check (layer in ('public', 'friends', 'intimate')),
      local_only boolean not null default false,
      pinned boolean not null default false,
      edited boolean not null default false,
      language text,
      terms int[] not null,
      valid_from timestamptz,
      valid_until timestamptz,
      superseded_by uuid references memories on delete set null,
      confirmations int not null default 1,
      last_confirmed_at timestamptz not null,
      forgotten_at timestamptz,
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`,
    `create index memories_of_person on memories (user_id, avee_id, id)`,
    `create index on memories (avee_id)`,
    `create index on memories (superseded_by) where superseded_by is not null`,
    `create index memories_forgotten on memories (forgotten_at) where forgotten_at is not null`,
    // The spans of the user's messages that a memory was extracted from.
    `create table memory_sources (
      memory_id uuid not null references memories on delete cascade,
      message_id uuid not null references messages on delete cascade,
      start_offset int not null,
      end_offset int not null,
      primary key (memory_id, message_id)
    )`,
    `create index on memory_sources (message_id)`,
    `create table memory_vectors (
      memory_id uuid not null references memories on delete cascade,
      model text not null,
      remote boolean not null,
      embedding vector not null,
      primary key (memory_id, model)
    )`,
    // The memories in the prompt of an answer.
    `create table memory_uses (
      message_id uuid not null references messages on delete cascade,
      memory_id uuid not null references memories on delete cascade,
      primary key (message_id, memory_id)
    )`,
    `create index on memory_uses (memory_id)`,
    // The turns to extract memories from, and those already processed: each message is processed once.
    `create table memory_turns (
      message_id uuid primary key references messages on delete cascade,
      answer_id uuid not null references messages on delete cascade,
      conversation_id uuid not null references conversations on delete cascade,
      avee_id uuid not null references avees on delete cascade,
      user_id uuid not null references users on delete cascade,
      layer text not null,
      learns boolean not null,
      attempts int not null default 0,
      claimed_until timestamptz,
      created_at timestamptz not null default clock_timestamp(),
      done_at timestamptz
    )`,
    `create index memory_turns_waiting on memory_turns (conversation_id, created_at) where done_at is null`,
    `create index on memory_turns (answer_id)`,
    `create index on memory_turns (user_id, avee_id)`,
    `create index on memory_turns (avee_id)`,
    `create index on memory_turns (conversation_id)`,
    `create table turn_index (
      message_id uuid primary key references messages on delete cascade,
      conversation_id uuid not null references conversations on delete cascade,
      avee_id uuid not null references avees on delete cascade,
      user_id uuid not null references users on delete cascade,
      layer text not null,
      language text,
      terms int[] not null,
      lex sparsevec(1000000000) not null
    )`,
    `create index on turn_index (conversation_id)`,
    `create index turn_index_of_person on turn_index (user_id, avee_id)`,
    `create index on turn_index (avee_id)`,
    `create index turn_index_terms on turn_index using gin (terms)`,
    `create table turn_vectors (
      message_id uuid not null references turn_index on delete cascade,
      model text not null,
      embedding vector not null,
      primary key (message_id, model)
    )`,
    // Without an avee, the setting applies to all avees.
    `create table memory_settings (
      user_id uuid not null references users on delete cascade,
      avee_id uuid references avees on delete cascade,
      enabled boolean not null,
      unique nulls not distinct (user_id, avee_id)
    )`,
    `create index on memory_settings (avee_id)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
