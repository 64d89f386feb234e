/**
 * Measures how many small documents a second are added through the API, with the CPU time and the peak memory.
 *
 *     node bench/documents.ts [--documents 500] [--embeddings] [--url postgres://…]
 *
 * Markdown files of about 350 words: as one upload, as uploads of one file by eight clients, and as a watched folder. CPU
 * times and memory are those of the server with its parser processes; pages that they share count once. `--embeddings`
 * adds a scripted embedding model, whose time is not counted as CPU.
 */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Folder } from '../contract/knowledge.ts'
import { bodyOf, createAvee, type UploadFile, uploadFiles } from '../test/builders.ts'
import { startOllama } from '../test/model-servers.ts'
import { startServer } from '../test/server-process.ts'
import { cpuSecondsOfChildren, memoryOfChildren } from './child-processes.ts'
import { fixed, print } from './data.ts'
import { syntheticDocument } from './synthetic.ts'

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '500' },
    embeddings: { type: 'boolean', default: false },
    url: { type: 'string' },
  },
})
const count = Number(values.documents)
const clients = 8

await using ollama = await startOllama()
const folder = await realpath(await mkdtemp(join(tmpdir(), 'gabee-folder-')))
await using server = await startServer({
  BACKGROUND_MODEL_CALLS: 'off',
  WATCH_FOLDERS: folder,
  ...(values.embeddings ? { OLLAMA_BASE_URL: ollama.url } : {}),
  ...(values.url ? { DATABASE_URL: values.url } : {}),
})

const newFiles = (): UploadFile[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `note-${i}.md`,
    content: syntheticDocument(i, 4).paragraphs.join('\n\n'),
  }))
const newAvee = async (name: string) =>
  createAvee(server, { handle: `${name}-${process.pid}`, display_name: name })

async function measure(what: string, work: () => Promise<void>): Promise<void> {
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOfChildren())
  }, 100)
  const cpuBefore = cpuSecondsOfChildren()
  const startedAt = performance.now()
  await work()
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = cpuSecondsOfChildren() - cpuBefore
  clearInterval(watch)
  print(
    `| ${what} | ${fixed(count / seconds, 0)} | ${fixed((1000 * cpu) / count, 1)} | ${fixed(peak / 1e6, 0)} |`,
  )
}

async function upload(aveeId: string, files: UploadFile[]): Promise<void> {
  const results = await uploadFiles(server, files, { avee: aveeId, layer: 'public' })
  const failed = results.find((result) => !result.success)
  if (failed || results.length !== files.length) throw new Error(failed?.message ?? 'A result is missing.')
}

try {
  print('| documents as | documents/s | CPU per document, ms | peak memory, MB |')
  print('| --- | --- | --- | --- |')
  const warmUp = await newAvee('warm-up')
  await upload(warmUp.id, newFiles().slice(0, 50))

  const one = await newAvee('one-upload')
  const files = newFiles()
  await measure('one upload', () => upload(one.id, files))

  const many = await newAvee('many-uploads')
  const queue = newFiles()
  await measure('uploads of one file each', async () => {
    const sendAll = async () => {
      for (let next = queue.pop(); next; next = queue.pop()) await upload(many.id, [next])
    }
    await Promise.all(Array.from({ length: clients }, sendAll))
  })

  const watching = await newAvee('folder')
  for (const { name, content } of newFiles()) await writeFile(join(folder, name), content)
  // A file is read once it has not changed for two seconds.
  await pause(3_000)
  await measure('a watched folder', async () => {
    const path = `/avees/${watching.id}/folders`
    bodyOf(await server.post(path, { path: folder, layer: 'public' }))
    const documents = async () =>
      bodyOf(await server.get<{ folders: Folder[] }>(path)).folders[0]?.documents ?? 0
    while ((await documents()) < count) await pause(100)
  })
} finally {
  await rm(folder, { recursive: true })
}
process.exit(0)
