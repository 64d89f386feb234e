import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { errorFromText, type Ingest, ingestFold } from '../../client/index.ts'
import { createDocuments } from '../../contract/knowledge.ts'
import { layers } from '../../contract/layers.ts'
import { uploadToLibrary } from '../../contract/localchat.ts'
import { type Command, textOf, UsageError } from './command.ts'
import type { Connection } from './connection.ts'
import { followRun } from './run.ts'
import type { Terminal } from './terminal.ts'

export const upload: Command = {
  usage: 'FILE… [--avee HANDLE] [--layer public|friends|intimate]',
  options: {
    avee: { type: 'string', help: 'Handle of the avee; your library by default.' },
    layer: {
      type: 'string',
      help: 'Layer of the documents, with --avee: public (default), friends or intimate.',
    },
  },
  positionals: [1, Number.POSITIVE_INFINITY],
  details: `Uploads files one at a time and waits until each is searchable. The exit code is 1 if one of them failed.

  gabee upload report.pdf notes/*.md
  gabee upload diary.txt --avee ada --layer intimate`,
  async run({ connect, terminal, values, positionals, resolve }) {
    const avee = textOf(values, 'avee')
    const layer = textOf(values, 'layer')
    if (layer !== undefined && !layers.some((known) => known === layer))
      throw new UsageError(`--layer must be ${layers.join(', ')}.`)
    if (layer !== undefined && avee === undefined)
      throw new UsageError('--layer needs --avee: only you can read your library.')
    await using connection = await connect()
    let failures = 0
    for (const name of positionals) {
      const file = await openFile(resolve(name))
      if (file === undefined) {
        terminal.note(`${name}: the file cannot be read. Check its name and its permissions.`)
        failures += 1
        continue
      }
      const { files, error } = await send(connection, terminal, { name: basename(name), file, avee, layer })
      for (const { result } of files) {
        if (result === undefined) continue
        terminal.print(
          `${terminal.style(result.success ? 'green' : 'red', result.success ? '✓' : '✗')} ${result.message}`,
        )
        terminal.json(result)
        if (!result.success) failures += 1
      }
      if (error === undefined) continue
      terminal.note(`${name}: ${error.message}`)
      failures += 1
    }
    return failures > 0 ? 1 : 0
  },
}

/** Returns undefined for a file that cannot be read. */
async function openFile(path: string): Promise<Blob | undefined> {
  try {
    return await openAsBlob(path)
  } catch {
    return undefined
  }
}

/** Uploads a file and follows its ingestion to the end. @throws ApiError */
async function send(
  { client, headers }: Connection,
  terminal: Terminal,
  {
    name,
    file,
    avee,
    layer,
  }: { name: string; file: Blob; avee: string | undefined; layer: string | undefined },
): Promise<Ingest> {
  const form = new FormData()
  if (layer !== undefined) form.set('layer', layer)
  form.set('files', file, name)
  const url =
    avee === undefined ? client.url(uploadToLibrary) : client.url(createDocuments, { params: { id: avee } })
  terminal.progress(`${name}: uploading …`)
  const response = await fetch(url, { method: 'POST', body: form, headers })
  if (!response.ok)
    throw errorFromText(response.status, await response.text(), (header) => response.headers.get(header))
  return await followRun(client, terminal, response, ingestFold, ({ files }) => {
    const current = files.at(-1)
    if (current?.result === undefined)
      terminal.progress(`${name}: ${current?.message ?? 'waiting …'}`, current?.progress)
  })
}
