import { type Kysely, sql } from 'kysely'

/** Turn analysis, feedback, unanswered questions, and updates by the owner of an avee. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    // One row per answer, written in its transaction; it is also the queue of the analysis.
    // step: measure → ask_model (if needed) → done. Claiming a row moves due_at ahead, so that a crash releases it.
    `create table turn_insights (
      message_id uuid primary key references messages on delete cascade,
      question_id uuid not null references messages on delete cascade,
      conversation_id uuid not null references conversations on delete cascade,
      avee_id uuid not null references avees on delete cascade,
      user_id uuid not null references users on delete cascade,
      layer text not null check (layer in ('public', 'friends', 'intimate')),
      step text not null default 'measure' check (step in ('measure', 'ask_model', 'done', 'failed')),
      attempts int not null default 0,
      due_at timestamptz not null default now(),
      response_ms int,
      may_share boolean not null default false,
      relevance real,
      engagement real,
      grounding real,
      answered boolean not null default true,
      measured_by text,
      issues json not null default '[]',
      suggestions json not null default '[]',
      sentences json not null default '[]',
      topics json not null default '[]',
      follow_ups json not null default '[]',
      documents uuid[] not null default '{}',
      created_at timestamptz not null default now()
    )`,
    `create index turn_insights_due on turn_insights (due_at) where step in ('measure', 'ask_model')`,
    `create index turn_insights_of_conversation on turn_insights (conversation_id, created_at)`,
    `create index turn_insights_of_avee on turn_insights (avee_id, created_at)`,
    `create index on turn_insights (question_id)`,
    `create index on turn_insights (user_id)`,

    `create table message_feedback (
      message_id uuid not null references messages on delete cascade,
      user_id uuid not null references users on delete cascade,
      vote text not null check (vote in ('up', 'down')),
      note text not null default '',
      updated_at timestamptz not null default now(),
      primary key (message_id, user_id)
    )`,
    `create index on message_feedback (user_id)`,

    `create table avee_sharing (
      avee_id uuid primary key references avees on delete cascade,
      share_unanswered boolean not null default false,
      allow_pass_on boolean not null default false
    )`,
    // Users who were informed that their questions can be shared with the owner, and their choice.
    `create table sharing_choices (
      avee_id uuid not null references avees on delete cascade,
      user_id uuid not null references users on delete cascade,
      share boolean not null,
      told_at timestamptz not null default now(),
      primary key (avee_id, user_id)
    )`,
    `create index on sharing_choices (user_id)`,

    `create table question_groups (
      id uuid primary key,
      avee_id uuid not null references avees on delete cascade,
      state text not null default 'open' check (state in ('open', 'answered', 'dismissed')),
      document_id uuid,
      created_at timestamptz not null default now()
    )`,
    `create index on question_groups (avee_id, state)`,
    // The text is in the message alone, so that deleting the message deletes it.
    `create table unanswered_questions (
      message_id uuid primary key references messages on delete cascade,
      group_id uuid not null references question_groups on delete cascade,
      avee_id uuid not null references avees on delete cascade,
      conversation_id uuid not null references conversations on delete cascade,
      user_id uuid not null references users on delete cascade,
      layer text not null check (layer in ('public', 'friends', 'intimate')),
      reason text not null check (reason in ('no_passage', 'said_so', 'passed_on')),
      shared boolean not null,
      terms text[] not null,
      note text not null default '',
      passed_on_at timestamptz,
      reply_id uuid references messages on delete set null,
      created_at timestamptz not null default now()
    )`,
    `create index on unanswered_questions (group_id)`,
    `create index unanswered_questions_of_avee on unanswered_questions (avee_id, created_at)`,
    `create index on unanswered_questions (conversation_id)`,
    `create index on unanswered_questions (user_id)`,
    `create index on unanswered_questions (reply_id)`,

    // document_id is the indexed document of the update; indexed_at is null while it has to be indexed (again).
    `create table avee_updates (
      id uuid primary key,
      avee_id uuid not null references avees on delete cascade,
      layer text not null check (layer in ('public', 'friends', 'intimate')),
      title text not null default '',
      text text not null,
      document_id uuid,
      indexed_at timestamptz,
      due_at timestamptz not null default now(),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`,
    `create index on avee_updates (avee_id, created_at)`,
    `create index avee_updates_due on avee_updates (due_at) where indexed_at is null`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
