import { type Kysely, sql } from 'kysely'

/** Background jobs, one row each until they have succeeded. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    // claims: how often the job was claimed, the fencing token of the attempt that runs it.
    // version: rises with each enqueue, so that a job enqueued while it runs is executed again.
    // latest_due_at: how far a further enqueue may put off the due date.
    `create table jobs (
      id uuid primary key,
      kind text not null,
      key text,
      input json not null,
      state text not null default 'pending' check (state in ('pending', 'running', 'dead')),
      priority int not null,
      due_at timestamptz not null,
      latest_due_at timestamptz,
      version int not null default 0,
      claims int not null default 0,
      lease_until timestamptz,
      failures int not null default 0,
      error text,
      failed_at timestamptz,
      created_at timestamptz not null default now(),
      unique (kind, key)
    )`,
    `create index jobs_due on jobs (kind, due_at) where state = 'pending'`,
    `create index jobs_leases on jobs (lease_until) where state = 'running'`,
    `create index jobs_dead on jobs (failed_at) where state = 'dead'`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
