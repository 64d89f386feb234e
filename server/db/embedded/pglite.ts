import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { DurableNodeFS } from './durable-fs.ts'
import type { Gauges } from './gauges.ts'

const settings = (statementTimeout: number): Record<string, string | number> => ({
  // fdatasync does nothing in WASM; fsync reaches the file system, which then calls fdatasync.
  wal_sync_method: 'fsync',
  statement_timeout: statementTimeout,
  // There are no background processes, so nothing is lost by saying so.
  autovacuum: 'off',
  jit: 'off',
  // What it says becomes part of an error in the log, where no statement and no value belongs.
  log_min_messages: 'fatal',
  log_line_prefix: '',
})

/** Opens the directory, making a database in it when it is empty. Blocks its thread for a good part of a second. */
export async function openPglite(
  dir: string,
  gauges: Gauges,
  on: { statementTimeout: number; said: (line: string) => void },
): Promise<PGlite> {
  const hear = (line: string): false => {
    on.said(line)
    return false
  }
  const options = {
    fs: new DurableNodeFS(dir, gauges),
    extensions: { vector },
    startParams: [
      ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
      ...Object.entries(settings(on.statementTimeout)).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    // Read by the engine, though not in its published types.
    onStdout: hear,
    onStderr: hear,
  }
  return PGlite.create(options)
}
