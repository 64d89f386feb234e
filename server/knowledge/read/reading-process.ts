import { setPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { detectLanguage } from '../../search/index.ts'
import { cut } from '../cut/index.ts'
import type { ReadDocument } from './document.ts'
import type { ReadJob, ReadMessage, SentPassage } from './messages.ts'
import { type Recognise, tesseract } from './ocr/tesseract.ts'
import { readFileHere } from './read-file.ts'
import { Unreadable } from './unreadable.ts'

// A process of its own in which files are parsed: it may hang, eat memory or die without harm to the server.
// One job at a time; the answers are described in messages.ts.

const textAtOnce = 128 * 1024
const passagesAtOnce = 500
const progressEvery = 100
/** Gives way to the server when processors are short. */
const niceness = 10

setPriority(niceness)
const memoryBytes = Number(process.argv[2])
new Worker(new URL('./watchdog.ts', import.meta.url), { workerData: { memoryBytes, parent: process.ppid } })

process.on('message', (job: ReadJob) => void answer(job))
process.on('disconnect', () => process.exit())

async function answer(job: ReadJob) {
  try {
    let last = 0
    const onPage = (done: number, total: number) => {
      if (done < total && performance.now() - last < progressEvery) return
      last = performance.now()
      void send({ kind: 'progress', done, total })
    }
    const document = await readFileHere(job.path, job.filename, job.limits, onPage, {
      recognise: recogniser(job),
      isWebPage: job.isWebPage,
    })
    await sendDocument(document)
  } catch (error) {
    await send(failureOf(error))
  }
}

function recogniser({ ocr, limits }: ReadJob): Recognise | undefined {
  if (!ocr) return undefined
  const recognise = tesseract(ocr, limits)
  return async (...picture) => {
    const texts = await recognise(...picture)
    void send({ kind: 'recognised' })
    return texts
  }
}

async function sendDocument(document: ReadDocument) {
  for (const [pageIndex, { page, text, headings }] of document.pages.entries()) {
    for (let start = 0; start === 0 || start < text.length; start += textAtOnce)
      await send({ kind: 'text', pageIndex, page, text: text.slice(start, start + textAtOnce) })
    if (headings.length > 0) await send({ kind: 'headings', pageIndex, headings })
  }
  const indexes = new Map(document.pages.map(({ page }, index) => [page, index]))
  const passages: SentPassage[] = cut(document).map(({ page, start, end, heading }) => ({
    pageIndex: indexes.get(page ?? 1) ?? 0,
    start,
    end,
    heading,
  }))
  for (let i = 0; i < passages.length; i += passagesAtOnce)
    await send({ kind: 'passages', passages: passages.slice(i, i + passagesAtOnce) })
  const { type, title, paged } = document
  const language = detectLanguage(document.pages.map(({ text }) => text).join('\n'))
  await send({ kind: 'document', type, title, paged, language, heldBytes: process.memoryUsage.rss() })
}

function failureOf(error: unknown): ReadMessage {
  if (error instanceof Unreadable) return { kind: 'failed', code: error.code, message: error.message }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  // Not the message itself: it may quote the file, and what people upload does not belong in a log.
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? []
  return { kind: 'broken', cause: [name, ...frames].join('\n'), isMemory: outOfMemory.test(message) }
}

const outOfMemory = /out of memory|OOM|allocation failed/i

const send = (message: ReadMessage) =>
  new Promise<void>((resolve) => {
    process.send?.(message, () => resolve())
  })
