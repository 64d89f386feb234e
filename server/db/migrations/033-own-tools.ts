import { type Kysely, sql } from 'kysely'

/** The tools that owners add to their avees. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table own_tools (
        id uuid primary key,
        avee_id uuid not null references all_avees on delete cascade,
        kind text not null,
        name text not null,
        url text,
        secrets text,
        command text,
        args text[] not null default '{}',
        functions jsonb not null,
        operations text[],
        enabled boolean not null default true,
        shared boolean not null default false,
        last_error text,
        created_at timestamptz not null default now(),
        unique (avee_id, name)
      )`,
    )
    .execute(db)
}
