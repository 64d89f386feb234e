import { fdatasyncSync, fstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { type Gauges, gauge } from './gauges.ts'

/** What `init` of a file system returns: Emscripten's module settings, whose `preRun` gets the module. */
type Prepared = Awaited<ReturnType<NodeFS['init']>>

/** The part of Emscripten's module that is patched; its published types do not include it. */
type NodeStream = { nfd: number; path?: string }
type Operation = (...values: never[]) => unknown
type StreamOperations = {
  fsync?: (stream: NodeStream) => number
  write: (stream: NodeStream, bytes: Uint8Array, offset: number, length: number, position: number) => number
  close: (stream: NodeStream) => void
  setattr: Operation
}
/** Methods that change a directory or a file by its name. */
const changes = ['mknod', 'rename', 'rmdir', 'setattr', 'symlink', 'unlink'] as const
type NodeOperations = Record<(typeof changes)[number], Operation>
type WithNodeFS = {
  FS: { filesystems: { NODEFS: { stream_ops: StreamOperations; node_ops: NodeOperations } } }
}

/** EIO in WASI. A server that cannot sync must stop, because data that counts as written may be missing. */
const INPUT_OUTPUT_ERROR = 29

/** A page of a table that PostgreSQL adds to its file. */
const zeros = Buffer.alloc(8192)

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
 * A file system whose fsync syncs to the disk. PGlite's own file system ignores fsync, so that after a power failure
 * committed rows may be missing or the database may not open. Counts syncs and the growth of the WAL in bytes.
 *
 * The sync of a commit is deferred until `sync`, so that several commits share one. The caller must call it before it
 * reports a commit. Until then only the WAL is written: any change of another file or a directory syncs it first.
 *
 * After a crash the engine syncs every file twice, which takes seconds on a busy disk. While it opens, files that have
 * not changed since the last checkpoint are skipped.
 */
export class DurableNodeFS extends NodeFS {
  readonly #gauges: Gauges
  #syncedUntil: number
  #isOpen = false
  /** The WAL segment with commits that are not synced. */
  #unsynced: number | undefined

  constructor(dir: string, gauges: Gauges) {
    super(dir)
    this.#gauges = gauges
    this.#syncedUntil = syncedUntil(dir)
  }

  /** Call when the database is open: from now on, every file is synced. */
  opened(): void {
    this.#syncedUntil = Number.NEGATIVE_INFINITY
    this.#isOpen = true
  }

  /** Whether there are commits that are not synced. */
  get isSyncDue(): boolean {
    return this.#unsynced !== undefined
  }

  /** Syncs all commits to the disk. After an error the engine must stop. */
  sync(): void {
    if (this.#unsynced === undefined) return
    this.#syncFile(this.#unsynced)
    this.#unsynced = undefined
  }

  override async init(...[engine, options]: Parameters<NodeFS['init']>): Promise<Prepared> {
    const prepared = await super.init(engine, options)
    const preRun = prepared.emscriptenOpts.preRun
    if (!Array.isArray(preRun)) throw new TypeError('The engine no longer has a list of preRun functions.')
    preRun.push((module) => this.#patch((module as unknown as WithNodeFS).FS.filesystems.NODEFS))
    return prepared
  }

  #syncFile(nfd: number): void {
    fdatasyncSync(nfd)
    Atomics.add(this.#gauges, gauge.syncs, 1n)
  }

  #fsync(stream: NodeStream): number {
    try {
      if (this.#isOpen && isWalSegment(stream)) {
        if (this.#unsynced !== stream.nfd) this.sync()
        this.#unsynced = stream.nfd
      } else {
        this.sync()
        if (fstatSync(stream.nfd).mtimeMs >= this.#syncedUntil) this.#syncFile(stream.nfd)
      }
      return 0
    } catch {
      return INPUT_OUTPUT_ERROR
    }
  }

  #patch({ stream_ops, node_ops }: WithNodeFS['FS']['filesystems']['NODEFS']): void {
    const syncFirst =
      <T extends Operation>(operation: T) =>
      (...values: Parameters<T>): unknown => {
        this.sync()
        return operation(...values)
      }
    for (const name of changes) node_ops[name] = syncFirst(node_ops[name])
    stream_ops.setattr = syncFirst(stream_ops.setattr)
    stream_ops.fsync = (stream) => this.#fsync(stream)
    const { write, close } = stream_ops
    stream_ops.close = (stream) => {
      if (stream.nfd === this.#unsynced) this.sync()
      close(stream)
    }
    let segment: string | undefined
    let end = 0
    stream_ops.write = (stream, bytes, offset, length, position) => {
      // A new page has only zeros and may precede the WAL: PostgreSQL extends a table before it logs what it adds.
      const isNewPage =
        length === zeros.length && zeros.equals(Buffer.from(bytes.buffer, bytes.byteOffset + offset, length))
      if (stream.nfd !== this.#unsynced && !isNewPage) this.sync()
      const written = write(stream, bytes, offset, length, position)
      if (!isWalSegment(stream)) return written
      if (stream.path !== segment) end = position
      segment = stream.path
      // Each commit writes the last page again.
      if (position + written > end) {
        Atomics.add(this.#gauges, gauge.walBytes, BigInt(position + written - end))
        end = position + written
      }
      return written
    }
  }
}

/** The name of a segment begins with its timeline; segments that are filled with zeros in advance have other names. */
const isWalSegment = ({ path }: NodeStream): boolean => path?.includes('/pg_wal/0') === true
