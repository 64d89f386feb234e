import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { DurableNodeFS } from './durable-fs.ts'
import type { Gauges } from './gauges.ts'

const settings = (statementTimeoutMs: number): Record<string, string | number> => ({
  // fdatasync has no effect in WASM; fsync reaches the file system, which calls fdatasync.
  wal_sync_method: 'fsync',
  statement_timeout: statementTimeoutMs,
  // The engine has no background processes.
  autovacuum: 'off',
  jit: 'off',
  // A quarter of the default. It is as fast with 10,000 passages; searches of 50,000 take a sixth more CPU time.
  shared_buffers: '32MB',
  // Pages are in memory or in the page cache of the system.
  random_page_cost: 1.1,
  // Recycled files would contain deleted rows.
  wal_recycle: 'off',
  // Its output becomes part of logged errors, which must not contain statements or values.
  log_min_messages: 'fatal',
  log_line_prefix: '',
})

/** Opens the database in the directory, creating it when the directory is empty. Blocks its thread for about 100 ms. */
export async function openPglite(
  dir: string,
  gauges: Gauges,
  options: { statementTimeoutMs: number; onLine: (line: string) => void },
): Promise<{ engine: PGlite; fs: DurableNodeFS }> {
  const print = (line: string): false => {
    options.onLine(line)
    return false
  }
  const fs = new DurableNodeFS(dir, gauges)
  const engineOptions = {
    fs,
    extensions: { vector },
    startParams: [
      ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
      ...Object.entries(settings(options.statementTimeoutMs)).flatMap(([name, value]) => [
        '-c',
        `${name}=${value}`,
      ]),
    ],
    // Options of the engine that its published types do not include.
    onStdout: print,
    onStderr: print,
  }
  const engine = await PGlite.create(engineOptions)
  fs.opened()
  return { engine, fs }
}
