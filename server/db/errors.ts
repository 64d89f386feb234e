import { AppError, defineError } from '../errors.ts'

/** An error's first line; that of a failed connection to a name with several addresses is empty but for its code. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : cause.name
  return cause.message.split('\n', 1)[0] || code
}

/** The connection was lost or cannot be made. A write under way when it happened may or may not have been stored. */
export const databaseAway = (cause: unknown): AppError =>
  new AppError(
    503,
    'database_away',
    'The database cannot be reached at the moment; look whether what you last sent was stored, then try again.',
    { cause, retryAfter: 2 },
  )

export const databaseBusy = (cause: unknown): AppError =>
  new AppError(503, 'database_busy', 'The database had no connection free in time; try again in a moment.', {
    cause,
    retryAfter: 2,
  })

/** Nothing of the transaction was stored. */
export const databaseConflict = (cause: unknown): AppError =>
  new AppError(
    503,
    'database_conflict',
    'Two changes got in each other’s way and this one was not stored; try again.',
    { cause, retryAfter: 1 },
  )

/** Nothing of the statement was stored, unless it was a commit that the embedded engine did not come back from. */
export const databaseTimeout = (cause: unknown): AppError =>
  new AppError(503, 'database_timeout', 'The database took too long over this and stopped; try again.', {
    cause,
    retryAfter: 2,
  })

export const directoryInUse = defineError(
  503,
  'data_dir_in_use',
  (dir: string) =>
    `Another server already runs on the data directory ${dir}; stop that one, or give this one a DATA_DIR of its own (several servers on the same data need DATABASE_URL).`,
)

export const directoryUnusable = (dir: string, cause: unknown): AppError =>
  new AppError(
    503,
    'data_dir_unusable',
    `The data directory ${dir} cannot be used (${reason(cause)}); give it back its files and rights, or set another DATA_DIR.`,
    { cause },
  )

export const otherDirectoryVersion = defineError(
  503,
  'data_dir_version',
  (dir: string, found: string, wanted: string) =>
    `The database in ${dir} is of PostgreSQL ${found}, and this program reads ${wanted}; start the release that made it, or set another DATA_DIR.`,
)

export const serverUnreachable = (where: string, cause: unknown): AppError =>
  new AppError(
    503,
    'database_unreachable',
    `The database at ${where} cannot be used (${reason(cause)}); see that it runs and that DATABASE_URL is right.`,
    { cause },
  )

export const serverTooOld = defineError(
  503,
  'database_too_old',
  (found: string) =>
    `The server at DATABASE_URL is PostgreSQL ${found}; PostgreSQL 15 or later is needed, so upgrade it or leave DATABASE_URL empty to use the embedded database.`,
)

export const vectorMissing = defineError(
  503,
  'pgvector_missing',
  (major: string) =>
    `The server at DATABASE_URL has no pgvector; install it there (Debian and Ubuntu: apt install postgresql-${major}-pgvector, or the container image pgvector/pgvector:pg${major}) and start again.`,
)

export const vectorTooOld = defineError(
  503,
  'pgvector_too_old',
  (found: string) =>
    `The server at DATABASE_URL has pgvector ${found}; 0.7.0 or later is needed, so install a later one there and run "alter extension vector update" in the database.`,
)

export const vectorForbidden = defineError(
  503,
  'pgvector_forbidden',
  (database: string) =>
    `The user in DATABASE_URL may not create the extension pgvector; run "create extension vector" in the database ${database} once as its administrator and start again.`,
)

export const migrationUnknown = defineError(
  503,
  'database_newer',
  (name: string) =>
    `The database was already brought to "${name}" by a newer release, which this one does not know; start that release, or restore a backup from before it.`,
)

/** Nothing of the pending migrations was kept. */
export const migrationFailed = (name: string, cause: unknown): AppError =>
  new AppError(
    503,
    'migration_failed',
    `The migration "${name}" failed and was rolled back: ${reason(cause)}`,
    {
      cause,
    },
  )
