import type { Pool } from 'pg'
import type { AppError } from '../../errors.ts'
import { serverTooOld, serverUnreachable, vectorForbidden, vectorMissing, vectorTooOld } from '../errors.ts'

const MIN_SERVER_VERSION = 15
/** The first version with `sparsevec`. */
const MIN_VECTOR_VERSION = [0, 7]

export type ServerFacts = {
  /** `server_version_num`, for example 150004. */
  version: number
  /** The versions of pgvector that are installed in this database and available on the server. */
  installed: string | null
  available: string | null
  database: string
  canCreate: boolean
}

/** Throws if the server cannot be reached, is too old, or lacks pgvector. */
export async function checkServer(pool: Pool, url: string): Promise<void> {
  const problem = findProblem(await readFacts(pool, url))
  if (problem !== undefined) throw problem
}

/** Returns why the server cannot be used. */
export function findProblem(facts: ServerFacts): AppError | undefined {
  const major = Math.floor(facts.version / 10_000)
  if (major < MIN_SERVER_VERSION) return serverTooOld(String(major))
  const vector = facts.installed ?? facts.available
  if (vector === null) return vectorMissing(String(major))
  if (isOlder(vector, MIN_VECTOR_VERSION)) return vectorTooOld(vector)
  if (facts.installed === null && !facts.canCreate) return vectorForbidden(facts.database)
  return undefined
}

async function readFacts(pool: Pool, url: string): Promise<ServerFacts> {
  try {
    const { rows } = await pool.query<ServerFacts>(`
      select current_setting('server_version_num')::int as version,
        (select extversion from pg_extension where extname = 'vector') as installed,
        (select default_version from pg_available_extensions where name = 'vector') as available,
        current_database() as database,
        has_database_privilege(current_database(), 'create') as "canCreate"`)
    const [row] = rows
    if (row === undefined) throw new Error('The server did not return its version.')
    return row
  } catch (error) {
    throw serverUnreachable(describeServer(url), error)
  }
}

/** Returns the server and database of a URL, without the password. */
function describeServer(url: string): string {
  const parsed = URL.parse(url)
  return parsed === null ? 'DATABASE_URL' : `${parsed.host}${parsed.pathname}`
}

const isOlder = (version: string, [major = 0, minor = 0]: number[]): boolean => {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor < major || (ownMajor === major && ownMinor < minor)
}
