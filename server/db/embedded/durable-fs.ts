import { fdatasyncSync } from 'node:fs'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { type Gauges, gauge } from './gauges.ts'

/** What the engine hands to a file system's `init`: Emscripten's module settings, whose `preRun` sees the module. */
type Prepared = Awaited<ReturnType<NodeFS['init']>>

/** The parts of Emscripten's NODEFS that are replaced; not in its published types. */
type NodeStream = { nfd: number; path?: string; position: number }
type StreamOperations = {
  fsync?: (stream: NodeStream) => number
  write: (stream: NodeStream, buffer: Uint8Array, offset: number, length: number, position: number) => number
}

/**
 * A data directory whose fsync reaches the disk. The stock file system ignores fsync, so that after a power cut
 * committed rows are missing or the database does not open. Also counts syncs and bytes written to the WAL.
 */
export class DurableNodeFS extends NodeFS {
  readonly #gauges: Gauges

  constructor(dir: string, gauges: Gauges) {
    super(dir)
    this.#gauges = gauges
  }

  override async init(...[engine, options]: Parameters<NodeFS['init']>): Promise<Prepared> {
    const prepared = await super.init(engine, options)
    const preRun = (prepared.emscriptenOpts.preRun ??= [])
    if (typeof preRun === 'function')
      throw new Error('The engine hands its preparations over in another shape.')
    preRun.push((module) => {
      const { stream_ops: operations } = (
        module as unknown as { FS: { filesystems: { NODEFS: { stream_ops: StreamOperations } } } }
      ).FS.filesystems.NODEFS
      const gauges = this.#gauges
      operations.fsync = (stream) => {
        fdatasyncSync(stream.nfd)
        Atomics.add(gauges, gauge.syncs, 1n)
        return 0
      }
      const write = operations.write
      operations.write = (stream, buffer, offset, length, position) => {
        const written = write(stream, buffer, offset, length, position)
        if (stream.path?.includes('/pg_wal/0')) Atomics.add(gauges, gauge.walBytes, BigInt(written))
        return written
      }
    })
    return prepared
  }
}
