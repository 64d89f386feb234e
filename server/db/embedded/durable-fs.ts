import { fdatasyncSync } from 'node:fs'
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

/**
 * A file system whose fsync reaches the disk. PGlite's own file system ignores fsync, so that after a power failure
 * committed rows are missing or the database does not open. Counts syncs and the growth of the WAL in bytes.
 */
export class DurableNodeFS extends NodeFS {
  readonly #gauges: Gauges

  constructor(dir: string, gauges: Gauges) {
    super(dir)
    this.#gauges = gauges
  }

  override async init(...[engine, options]: Parameters<NodeFS['init']>): Promise<Prepared> {
    const prepared = await super.init(engine, options)
    const preRun = prepared.emscriptenOpts.preRun
    if (!Array.isArray(preRun)) throw new TypeError('The engine no longer has a list of preRun functions.')
    preRun.push((module) =>
      makeDurable((module as unknown as WithNodeFS).FS.filesystems.NODEFS.stream_ops, this.#gauges),
    )
    return prepared
  }
}

function makeDurable(operations: StreamOperations, gauges: Gauges): void {
  operations.fsync = ({ nfd }) => {
    try {
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
