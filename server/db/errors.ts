import { AppError, defineError } from '../errors.ts'

/** Returns the first line of an error, or its code: a failed connection to a host with several addresses has no message. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : cause.name
  return cause.message.split('\n', 1)[0] || code
}

const unavailable =
  (code: string, message: string, retryAfter: number) =>
  (cause: unknown): AppError =>
    new AppError(503, code, message, { cause, retryAfter })

/** The connection was lost or cannot be established. A write that was in progress may have been stored. */
export const databaseUnavailable = unavailable(
  'database_away',
  'The database is not available. Check whether your last change was saved, then try again.',
  2,
)

export const databaseBusy = unavailable('database_busy', 'The database is busy. Try again in a moment.', 2)

/** The transaction was rolled back. */
export const databaseConflict = unavailable(
  'database_conflict',
  'The change conflicted with another one and was not saved. Try again.',
  1,
)

/** Whether a statement or transaction failed with `database_conflict`, for example by a deadlock, and may be repeated. */
export const isConflict = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'database_conflict'

/** The statement had no effect, unless it was a commit that the embedded engine did not finish. */
export const databaseTimeout = unavailable(
  'database_timeout',
  'The database took too long and cancelled the request. Try again.',
  2,
)

/** A row refers to a row that does not exist, usually because a concurrent request deleted it. */
export function referenceNotFound(thing: string, cause: unknown): AppError {
  const name = thing.replaceAll('_', ' ')
  return new AppError(
    404,
    `${thing}_not_found`,
    `${name.charAt(0).toUpperCase()}${name.slice(1)} not found.`,
    {
      cause,
    },
  )
}

export const directoryInUse = defineError(
  503,
  'data_dir_in_use',
  (dir: string) =>
    `Another server is using the data directory ${dir}. Stop it, or set a different DATA_DIR (several servers on the same data need DATABASE_URL).`,
)

export const directoryUnusable = (dir: string, cause: unknown): AppError =>
  new AppError(
    503,
    'data_dir_unusable',
    `The data directory ${dir} cannot be used (${reasonOf(cause)}). Restore its files and permissions, or set a different DATA_DIR.`,
    { cause },
  )

export const otherDirectoryVersion = defineError(
  503,
  'data_dir_version',
  (dir: string, found: string, wanted: string) =>
    `The database in ${dir} was created by PostgreSQL ${found}, but this release reads version ${wanted}. Start the release that created it, or set a different DATA_DIR.`,
)

export const serverUnreachable = (where: string, cause: unknown): AppError =>
  new AppError(
    503,
    'database_unreachable',
    `The database at ${where} cannot be used (${reasonOf(cause)}). Check that it is running and that DATABASE_URL is correct.`,
    { cause },
  )

export const serverTooOld = defineError(
  503,
  'database_too_old',
  (found: string) =>
    `The server at DATABASE_URL is PostgreSQL ${found}, but version 15 or later is required. Upgrade it, or leave DATABASE_URL empty to use the embedded database.`,
)

export const vectorMissing = defineError(
  503,
  'pgvector_missing',
  (major: string) =>
    `The server at DATABASE_URL has no pgvector. Install it (Debian and Ubuntu: apt install postgresql-${major}-pgvector, or the container image pgvector/pgvector:pg${major}) and start again.`,
)

export const vectorTooOld = defineError(
  503,
  'pgvector_too_old',
  (found: string) =>
    `The server at DATABASE_URL has pgvector ${found}, but version 0.7.0 or later is required. Install it and run "alter extension vector update" in the database.`,
)

export const vectorForbidden = defineError(
  503,
  'pgvector_forbidden',
  (database: string) =>
    `The user in DATABASE_URL is not allowed to create the extension pgvector. Run "create extension vector" in the database ${database} once as its administrator and start again.`,
)

export const migrationUnknown = defineError(
  503,
  'database_newer',
  (name: string) =>
    `A newer release has migrated the database to "${name}", which this release does not support. Start that release, or restore a backup from before it.`,
)

export const databaseNotEmpty = defineError(
  409,
  'database_not_empty',
  () => 'The database is not empty. Create a new one, or name one without any tables.',
)

/** Nothing was stored. */
export const tableDiffers = defineError(
  500,
  'table_differs',
  (name: string) => `The rows of the table ${name} differ from the original, so nothing was stored.`,
)

/** No pending migration was stored. */
export const migrationFailed = (name: string, cause: unknown): AppError =>
  new AppError(
    503,
    'migration_failed',
    `The migration "${name}" failed and was rolled back: ${reasonOf(cause)}`,
    {
      cause,
    },
  )
