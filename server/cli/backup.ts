import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { createBackup } from '../../contract/admin.ts'
import { moveDatabase, openArchive, restoreBackup } from '../backup/index.ts'
import { openDatabase, type TableSummary } from '../db/index.ts'
import { createLog } from '../log.ts'
import { type Command, textOf, UsageError } from './command.ts'
import { isRunning, localAddress } from './connection.ts'
import { formatBytes } from './terminal.ts'

const log = () => createLog('error')
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
const countRows = (tables: TableSummary[]) => tables.reduce((sum, { rows }) => sum + Number(rows), 0)

export const backup: Command = {
  usage: 'FILE',
  positionals: [1, 1],
  details: `The file contains a consistent snapshot of the database, the original files of documents, and the key that encrypts
secrets unless it is set as ENCRYPTION_KEY. It gets its name when it is complete. Anybody who has it can read everything:
keep it as safe as the server. If the server has accounts, set GABEE_API_KEY to the key of an administrator.

  gabee backup /backups/gabee-$(date +%F).backup`,
  async run({ connect, terminal, positionals: [name = ''], resolve }) {
    const path = resolve(name)
    if (await exists(path)) throw new Error(`${path} exists. Choose another name, or delete it first.`)
    await using connection = await connect()
    const part = `${path}.part`
    try {
      const response = await connection.client.open(createBackup)
      let bytes = 0
      const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>)
      body.on('data', (chunk: Uint8Array) => {
        bytes += chunk.byteLength
        terminal.progress(`${basename(path)}: ${formatBytes(bytes)}`)
      })
      await pipeline(body, createWriteStream(part, { mode: 0o600, flush: true }))
      const archive = await openArchive(part)
      archive.close()
      await rename(part, path)
      const { tables, files, damaged } = archive.manifest
      const rows = countRows(tables)
      terminal.print(`Wrote ${path}: ${formatBytes(bytes)}, ${rows} rows, ${files} files.`)
      if (damaged.length > 0)
        terminal.note(`${damaged.length} files differ from what was uploaded: ${damaged.join(', ')}`)
      terminal.json({ path, bytes, rows, files, damaged })
      return 0
    } finally {
      await rm(part, { force: true })
    }
  },
}

export const restore: Command = {
  usage: 'FILE',
  positionals: [1, 1],
  details: `Restores into DATA_DIR, which must be empty, and into the database at DATABASE_URL if it is set, which must have no
tables. Compares the number and hashes of all rows and files. A backup of an older release is migrated; one of a newer
release is refused. If the command is interrupted, run it again: it continues. If it fails, it deletes what it restored.

  DATA_DIR=/var/lib/gabee gabee restore /backups/gabee-2026-11-22.backup`,
  async run({ config, terminal, positionals: [name = ''], resolve, databaseUrl: url }) {
    const { dataDir } = config()
    const manifest = await restoreBackup(resolve(name), {
      url,
      dataDir,
      log: log(),
      onTable: (table) => terminal.progress(`${table.name}: ${table.rows} rows`),
    })
    const rows = countRows(manifest.tables)
    terminal.print(
      `Restored ${rows} rows and ${manifest.files} files of ${manifest.created_at} into ${dataDir}.`,
    )
    terminal.json({ rows, files: manifest.files, created_at: manifest.created_at })
    return 0
  },
}

export const move: Command = {
  usage: '--to postgres://USER:PASSWORD@HOST/DATABASE',
  options: { to: { type: 'string', help: 'URL of an empty PostgreSQL database with pgvector.' } },
  details: `Copies the database of DATA_DIR, or the one at DATABASE_URL, and compares the number and hashes of all rows. Stop the
server first. The original is not changed; the files of documents stay in DATA_DIR. Afterwards set DATABASE_URL.

  gabee move --to postgres://gabee:password@localhost/gabee`,
  async run({ config, terminal, values, databaseUrl }) {
    const to = textOf(values, 'to')
    if (!to || !/^postgres(?:ql)?:$/.test(URL.parse(to)?.protocol ?? ''))
      throw new UsageError('--to must be a URL that starts with postgres://.')
    const settings = config()
    if (await isRunning(localAddress(settings)))
      throw new Error(
        `A server runs at ${localAddress(settings)}. Stop it first, so that the copy is complete.`,
      )
    const { dataDir } = settings
    await using database = await openDatabase({ url: databaseUrl, dir: dataDir, log: log() })
    const tables = await moveDatabase(database, {
      url: to,
      dataDir,
      log: log(),
      onTable: (table) => terminal.progress(`${table.name}: ${table.rows} rows`),
    })
    const rows = countRows(tables)
    terminal.print(`Copied ${rows} rows in ${tables.length} tables; number and hashes are equal.`)
    terminal.print('Set DATABASE_URL to the new database and start the server.')
    terminal.json({ rows, tables })
    return 0
  },
}
