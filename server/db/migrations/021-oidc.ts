import { type Kysely, sql } from 'kysely'

/** Identities of users at an OIDC provider, and challenges of people who have no account yet. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table user_identities (
      issuer text not null,
      subject text not null,
      user_id uuid not null unique references users on delete cascade,
      created_at timestamptz not null default now(),
      primary key (issuer, subject)
    )`,
    `alter table challenges
      alter column user_id drop not null,
      add column data jsonb`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
