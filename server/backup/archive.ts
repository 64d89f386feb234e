import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable, type Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import yauzl from 'yauzl'
import { ZipFile } from 'yazl'
import type { Snapshot, SnapshotRow, TableSummary } from '../db/index.ts'
import type { Originals } from '../knowledge/index.ts'
import { archiveDamaged, archiveUnreadable } from './errors.ts'

/*
 * A backup is a ZIP file:
 *
 *     tables/<name>.jsonl    one JSON array per row: each value as PostgreSQL prints it, or null
 *     files/<sha256>         the original files of documents
 *     encryption-key         the file of the data directory, if there is one
 *     manifest.json          the last entry: what the backup contains, with the number and the hashes of all rows
 */

const formatVersion = 1
const manifestName = 'manifest.json'
const keyName = 'encryption-key'

export type Manifest = {
  format: number
  created_at: string
  migrations: string[]
  tables: TableSummary[]
  files: number
  /** Files whose content did not match their hash when they were read. */
  damaged: string[]
}

/** The original files, by the SHA-256 of their content. */
export type OriginalFiles = Pick<Originals, 'pathOf' | 'listHashes'>

/** Writes a backup to a stream. Aborting `signal` leaves it incomplete and unreadable. */
export async function writeArchive(
  target: Writable,
  {
    snapshot,
    originals,
    encryptionKey,
    signal,
  }: { snapshot: Snapshot; originals: OriginalFiles; encryptionKey: string | undefined; signal: AbortSignal },
): Promise<Manifest> {
  const zip = new ZipFile()
  const written = pipeline(zip.outputStream as Readable, target, { signal })
  zip.on('error', (error: Error) => target.destroy(error))
  const manifest: Manifest = {
    format: formatVersion,
    created_at: new Date().toISOString(),
    migrations: snapshot.migrations,
    tables: snapshot.tables,
    files: 0,
    damaged: [],
  }
  const add = async (name: string, content: Readable, compress: boolean): Promise<void> => {
    content.once('error', (error) => target.destroy(error))
    zip.addReadStream(content, name, { compress, mode: 0o600, forceZip64Format: true })
    await Promise.race([once(content, 'close'), written]).finally(() => content.destroy())
  }
  const adding = async () => {
    for (const table of snapshot.tables)
      await add(`tables/${table.name}.jsonl`, Readable.from(linesOf(snapshot.readRows(table))), true)
    for await (const hashes of originals.listHashes()) {
      for (const sha256 of hashes) {
        // The document may have been deleted in the meantime.
        const file = await open(originals.pathOf(sha256)).catch(() => undefined)
        if (file === undefined) continue
        const hash = createHash('sha256')
        await add(`files/${sha256}`, Readable.from(hashed(file.createReadStream(), hash)), false)
        manifest.files += 1
        if (hash.digest('hex') !== sha256) manifest.damaged.push(sha256)
      }
    }
    if (encryptionKey !== undefined) zip.addBuffer(Buffer.from(encryptionKey), keyName, { mode: 0o600 })
    zip.addBuffer(Buffer.from(JSON.stringify(manifest)), manifestName)
    zip.end()
  }
  await Promise.all([written, adding()])
  return manifest
}

/** Yields the bytes of a stream and adds them to `hash`. */
async function* hashed(stream: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const bytes of stream) {
    hash.update(bytes)
    yield bytes
  }
}

/** Whether a file exists and has this content. */
async function hasHash(path: string, sha256: string): Promise<boolean> {
  try {
    const hash = createHash('sha256')
    await pipeline(createReadStream(path), hash)
    return hash.digest('hex') === sha256
  } catch {
    return false
  }
}

async function* linesOf(blocks: AsyncIterable<SnapshotRow[]>): AsyncGenerator<string> {
  for await (const rows of blocks) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

export type Archive = Awaited<ReturnType<typeof openArchive>>

/** Opens a backup for reading. @throws AppError if the file is not a complete backup */
export async function openArchive(path: string) {
  const openZip = promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open)
  const zip = await openZip(path, { lazyEntries: true, autoClose: false }).catch((error: unknown) => {
    throw archiveUnreadable(path, error)
  })
  const entries = new Map<string, yauzl.Entry>()
  zip.on('entry', (entry: yauzl.Entry) => {
    entries.set(entry.fileName, entry)
    zip.readEntry()
  })
  zip.readEntry()
  await once(zip, 'end').catch((error: unknown) => {
    throw archiveUnreadable(path, error)
  })
  const read = async (name: string): Promise<Readable> => {
    const entry = entries.get(name)
    if (entry === undefined) throw archiveDamaged(name)
    return await promisify<yauzl.Entry, Readable>(zip.openReadStream.bind(zip))(entry)
  }
  const manifest = JSON.parse(await text(await read(manifestName))) as Manifest
  if (manifest.format !== formatVersion)
    throw archiveUnreadable(path, new Error('it was made by a newer release'))

  return {
    manifest,
    /** The contents of the database. */
    snapshot: {
      migrations: manifest.migrations,
      tables: manifest.tables,
      async *readRows({ name }) {
        const lines = createInterface({ input: await read(`tables/${name}.jsonl`), crlfDelay: Infinity })
        let block: SnapshotRow[] = []
        for await (const line of lines) {
          block.push(JSON.parse(line) as SnapshotRow)
          if (block.length < rowsPerBlock) continue
          yield block
          block = []
        }
        if (block.length > 0) yield block
      },
    } satisfies Snapshot,

    /**
     * Writes the original files to `pathOf(sha256)` unless they exist. @throws AppError if one is missing or does not
     * match its hash
     */
    async extractFiles(pathOf: (sha256: string) => string): Promise<void> {
      const hashes = [...entries.keys()].flatMap((name) => /^files\/([0-9a-f]{64})$/.exec(name)?.[1] ?? [])
      if (hashes.length !== manifest.files) throw archiveDamaged('files')
      for (const sha256 of hashes) {
        const path = pathOf(sha256)
        if (await hasHash(path, sha256)) continue
        const hash = createHash('sha256')
        const content = await read(`files/${sha256}`)
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        await pipeline(hashed(content, hash), createWriteStream(path, { mode: 0o600, flush: true }))
        if (hash.digest('hex') !== sha256 && !manifest.damaged.includes(sha256))
          throw archiveDamaged(`files/${sha256}`)
      }
    },

    encryptionKey: async (): Promise<string | undefined> =>
      entries.has(keyName) ? await text(await read(keyName)) : undefined,

    close: () => zip.close(),
  }
}

const rowsPerBlock = 200

/** Returns the text of the key file of a data directory, if it exists. */
export const readKeyFile = (dataDir: string): Promise<string | undefined> =>
  readFile(join(dataDir, keyName), 'utf8').catch(() => undefined)
