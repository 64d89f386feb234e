import type { Pool } from 'pg'
import type { AppError } from '../../errors.ts'
import { serverTooOld, serverUnreachable, vectorForbidden, vectorMissing, vectorTooOld } from '../errors.ts'

const OLDEST_SERVER = 15
/** The first with `sparsevec`. */
const OLDEST_VECTOR = [0, 7]

export type Facts = {
  /** As of `server_version_num`: 150004. */
  version: number
  /** The version of pgvector in this database, and that which the server could put there. */
  installed: string | null
  available: string | null
  database: string
  mayCreate: boolean
}

/** Throws one clear sentence when the server cannot be reached, is too old, or lacks pgvector. */
export async function checkServer(pool: Pool, url: string): Promise<void> {
  const refusal = refusalOf(await factsOf(pool, url))
  if (refusal !== undefined) throw refusal
}

/** Why this server will not do. */
export function refusalOf(facts: Facts): AppError | undefined {
  const major = Math.floor(facts.version / 10_000)
  if (major < OLDEST_SERVER) return serverTooOld(String(major))
  const vector = facts.installed ?? facts.available
  if (vector === null) return vectorMissing(String(major))
  if (isOlder(vector, OLDEST_VECTOR)) return vectorTooOld(vector)
  if (facts.installed === null && !facts.mayCreate) return vectorForbidden(facts.database)
  return undefined
}

async function factsOf(pool: Pool, url: string): Promise<Facts> {
  try {
    const { rows } = await pool.query<Facts>(`
      select current_setting('server_version_num')::int as version,
        (select extversion from pg_extension where extname = 'vector') as installed,
        (select default_version from pg_available_extensions where name = 'vector') as available,
        current_database() as database,
        has_database_privilege(current_database(), 'create') as "mayCreate"`)
    const [row] = rows
    if (row === undefined) throw new Error('The server did not say its version.')
    return row
  } catch (error) {
    throw serverUnreachable(where(url), error)
  }
}

/** The server and database that an address names, without the password. */
function where(url: string): string {
  const parsed = URL.parse(url)
  return parsed === null ? 'DATABASE_URL' : `${parsed.host}${parsed.pathname}`
}

const isOlder = (version: string, [major = 0, minor = 0]: number[]): boolean => {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor < major || (ownMajor === major && ownMinor < minor)
}
