import type { Pool } from 'pg'
import { serverTooOld, serverUnreachable, vectorMissing, vectorTooOld } from '../errors.ts'

const OLDEST_SERVER = 15
/** The first with `sparsevec`. */
const OLDEST_VECTOR = [0, 7]

type Facts = { version: number; installed: string | null; available: string | null }

/** Throws one clear sentence when the server cannot be reached, is too old, or lacks pgvector. */
export async function checkServer(pool: Pool, url: string): Promise<void> {
  const { version, installed, available } = await facts(pool, url)
  const major = Math.floor(version / 10_000)
  if (major < OLDEST_SERVER) throw serverTooOld(String(major))
  const vector = installed ?? available
  if (vector === null) throw vectorMissing(String(major))
  if (isOlder(vector, OLDEST_VECTOR)) throw vectorTooOld(vector)
}

async function facts(pool: Pool, url: string): Promise<Facts> {
  try {
    const { rows } = await pool.query<Facts>(`
      select current_setting('server_version_num')::int as version,
        (select extversion from pg_extension where extname = 'vector') as installed,
        (select default_version from pg_available_extensions where name = 'vector') as available`)
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
