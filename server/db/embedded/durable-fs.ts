import { fdatasyncSync, fstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { type Gauges, gauge } from './gauges.ts'

/** What `init` of a file system returns: Emscripten's module settings, whose `preRun` gets the module. */
type Prepared = Awaited<ReturnType<NodeFS['init']>>

/** The part of Emscripten's module that is patched; its published types do not include it. */
type NodeStream = { nfd: number; path?: string }
type StreamOperations = {
  fsync?: (stream: NodeStream) => number
  write: (stream: NodeStream, bytes: Uint8Array, offset: number, length: number, position: number) => number
}
type WithNodeFS = { FS: { filesystems: { NODEFS: { stream_ops: StreamOperations } } } }

/** EIO in WASI. A server that cannot sync must stop, as data it considers written may be missing. */
const INPUT_OUTPUT_ERROR = 29

/** Longer than a checkpoint takes, and than the interval of checkpoints. */
const checkpointMarginMs = 10 * 60_000

/**
 * Returns the time in ms before which a file must have been modified for the last checkpoint to have synced it. The
 * checkpoint updates `pg_control`; without that file, or after the clock was set back, every file is synced.
 */
function syncedUntil(dir: string): number {
  const control = statSync(join(dir, 'global/pg_control'), { throwIfNoEntry: false })
  if (control === undefined || control.mtimeMs > Date.now()) return Number.NEGATIVE_INFINITY
  return control.mtimeMs - checkpointMarginMs
}

/**
 * A file system whose fsync reaches the disk. PGlite's own file system ignores fsync, so that after a power failure
 * committed rows are missing or the database does not open. Counts syncs and the growth of the WAL in bytes.
 *
 * After a crash the engine syncs every file twice, which takes seconds on a busy disk. While it opens, files that have not
 * changed since the last checkpoint are left out.
 */
export class DurableNodeFS extends NodeFS {
  readonly #gauges: Gauges
  #syncedUntil: number

  constructor(dir: string, gauges: Gauges) {
    super(dir)
    this.#gauges = gauges
    this.#syncedUntil = syncedUntil(dir)
  }

  /** From now on every sync reaches the disk. */
  opened(): void {
    this.#syncedUntil = Number.NEGATIVE_INFINITY
  }

  override async init(...[engine, options]: Parameters<NodeFS['init']>): Promise<Prepared> {
    const prepared = await super.init(engine, options)
    const preRun = prepared.emscriptenOpts.preRun
    if (!Array.isArray(preRun)) throw new TypeError('The engine no longer has a list of preRun functions.')
    preRun.push((module) =>
      makeDurable(
        (module as unknown as WithNodeFS).FS.filesystems.NODEFS.stream_ops,
        this.#gauges,
        () => this.#syncedUntil,
      ),
    )
    return prepared
  }
}

function makeDurable(operations: StreamOperations, gauges: Gauges, syncedUntil: () => number): void {
  operations.fsync = ({ nfd }) => {
    try {
      if (fstatSync(nfd).mtimeMs < syncedUntil()) return 0
      fdatasyncSync(nfd)
    } catch {
      return INPUT_OUTPUT_ERROR
    }
    Atomics.add(gauges, gauge.syncs, 1n)
    return 0
  }
  const { write } = operations
  let segment: string | undefined
  let end = 0
  operations.write = (stream, bytes, offset, length, position) => {
    const written = write(stream, bytes, offset, length, position)
    // The name of a segment begins with its timeline; segments that are filled with zeros in advance have other names.
    if (!stream.path?.includes('/pg_wal/0')) return written
    if (stream.path !== segment) end = position
    segment = stream.path
    // Each commit writes the last page again.
    if (position + written > end) {
      Atomics.add(gauges, gauge.walBytes, BigInt(position + written - end))
      end = position + written
    }
    return written
  }
}
