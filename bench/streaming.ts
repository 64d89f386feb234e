/**
 * Measures how steadily the tokens of an answer arrive while documents are ingested.
 *
 *     node bench/streaming.ts [--url postgres://…]
 *
 * Questions are asked one at a time of a server with a scripted Ollama that sends a token every 20 ms. Reports the
 * times between two tokens without other work, during an upload of 1,000 small files, and during an upload of one PDF
 * of 1,000 pages, with the peak memory of the server and its parser processes. The first row includes the timing errors
 * of the scripted model.
 */
import { parseArgs } from 'node:util'
import { askStream, createAvee, createConversation, type UploadFile, uploadFiles } from '../test/builders.ts'
import { readEvents } from '../test/events.ts'
import { startOllama } from '../test/model-servers.ts'
import { createPdf } from '../test/pdf.ts'
import { startServer } from '../test/server-process.ts'
import { memoryOfChildren } from './child-processes.ts'
import { fixed, print, quantile } from './data.ts'
import { syntheticDocument } from './synthetic.ts'

const { values } = parseArgs({ options: { url: { type: 'string' } } })
await using ollama = await startOllama()
ollama.always('/api/chat', {
  tokens: Array.from({ length: 200 }, (_, i) => `word ${i} `),
  delayMs: 20,
})
await using server = await startServer({
  OLLAMA_BASE_URL: ollama.url,
  BACKGROUND_MODEL_CALLS: 'off',
  ...(values.url ? { DATABASE_URL: values.url } : {}),
})
const avee = await createAvee(server, { handle: `bench-${process.pid}`, display_name: 'Bench' })

/** Asks until `work` is done, at least three times. Returns the times between tokens and the peak memory. */
async function during(work: Promise<unknown>) {
  let isDone = false
  let peak = 0
  const gaps: number[] = []
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOfChildren())
  }, 100)
  const startedAt = performance.now()
  let took = 0
  const ended = work.finally(() => {
    isDone = true
    took = performance.now() - startedAt
  })
  ended.catch(() => undefined)
  for (let round = 0; !isDone || round < 3; round++) {
    const { id } = await createConversation(server, avee.handle)
    let last: number | undefined
    for await (const { data } of readEvents(await askStream(server, id, `Question ${round}?`))) {
      if (data['token'] === undefined) continue
      const now = performance.now()
      if (last !== undefined) gaps.push(now - last)
      last = now
    }
  }
  await ended
  clearInterval(watch)
  return { gaps, took, peak }
}

function report(what: string, { gaps, took, peak }: Awaited<ReturnType<typeof during>>): void {
  const late = gaps.filter((gap) => gap > 200).length
  print(
    `| ${what} | ${fixed(took / 1000, 1)} | ${fixed(quantile(gaps, 0.5), 0)} / ${fixed(quantile(gaps, 0.99), 0)} / ${fixed(Math.max(...gaps), 0)} | ${late} of ${gaps.length} | ${fixed(peak / 1e6, 0)} |`,
  )
}

/** Uploads files in one request. */
async function upload(files: UploadFile[]): Promise<void> {
  const results = await uploadFiles(server, files)
  const failed = results.find((result) => !result.success)
  if (failed || results.length !== files.length)
    throw new Error(failed?.message ?? 'Not all files were ingested.')
}

const text = (number: number, paragraphs: number) =>
  syntheticDocument(number, paragraphs).paragraphs.join('\n\n')
const small = Array.from({ length: 1_000 }, (_, i) => ({ name: `note-${i}.md`, content: text(i, 3) }))
const long = createPdf(Array.from({ length: 1_000 }, (_, i) => text(i, 5)))

print(
  '| concurrent work | duration, s | between tokens, ms (p50 / p99 / max) | over 200 ms | peak memory, MB |',
)
print('| --- | --- | --- | --- | --- |')
report('nothing', await during(Promise.resolve()))
report('1,000 small files', await during(upload(small)))
report('one PDF of 1,000 pages', await during(upload([{ name: 'long.pdf', content: long }])))
process.exit(0)
