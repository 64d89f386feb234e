import { setPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { detectLanguage } from '../../search/index.ts'
import { chunkDocument } from '../chunking/index.ts'
import type { PageToDraw, ParsedDocument } from './document.ts'
import { UnreadableFileError } from './errors.ts'
import type { ConvertOffice } from './libreoffice.ts'
import type { ParseMessage, ParseRequest, ParserRequest, SentPassage } from './messages.ts'
import type { RecognizedPage, RecognizeText } from './ocr/tesseract.ts'
import { parseFile } from './parse-file.ts'
import { dropPermissions } from './sandbox.ts'

// Entry point of a parser process. A parser may hang, exhaust memory or crash here without affecting the server. It
// handles one job at a time; messages.ts describes the protocol.

const maxTextPerMessage = 128 * 1024
const maxPassagesPerMessage = 500
/** The overhead of a heading, a recognized word or a passage in a message, in characters. */
const charactersPerItem = 100
const minProgressIntervalMs = 100
/** Lowers the priority below the server's. */
const processPriority = 10

setPriority(processPriority)
const memoryBytes = Number(process.argv[2])
new Worker(new URL('./memory-watchdog.ts', import.meta.url), {
  workerData: { memoryBytes, parent: process.ppid },
})

dropPermissions()

process.on('message', (request: ParserRequest) => {
  if (request.kind === 'parse') void handle(request)
  else if (request.kind === 'draw') void draw(request)
  else if (request.kind === 'converted') converted?.(request.path)
  else {
    recognitions.get(request.id)?.(request.pages)
    recognitions.delete(request.id)
  }
})
process.on('disconnect', () => process.exit())

async function handle(job: ParseRequest) {
  try {
    let last = 0
    const onPage = (done: number, total: number) => {
      if (done < total && performance.now() - last < minProgressIntervalMs) return
      last = performance.now()
      void send({ kind: 'progress', done, total })
    }
    const document = await parseFile(job.path, job.filename, job.limits, onPage, {
      recognizeText: job.hasOcr ? recognizeText : undefined,
      convertOffice,
      isWebPage: job.isWebPage,
    })
    await sendDocument(document)
  } catch (error) {
    await send(failureOf(error))
  }
}

async function draw(page: PageToDraw) {
  try {
    const { drawPage } = await import('./formats/pdf/draw-page.ts')
    await send({ kind: 'drawn', picture: await drawPage(page) })
  } catch (error) {
    await send(failureOf(error))
  }
}

// This process may not start programs: the server runs them. When one fails, the server ends this process.

let recognitionCount = 0
const recognitions = new Map<number, (pages: RecognizedPage[] | undefined) => void>()

const recognizeText: RecognizeText = (image, dotsPerInch) =>
  new Promise((resolve) => {
    const id = ++recognitionCount
    recognitions.set(id, resolve)
    void send({ kind: 'recognize', id, bytes: 'bytes' in image ? image.bytes : undefined, dotsPerInch })
  })

let converted: ((path: string) => void) | undefined

const convertOffice: ConvertOffice = (_, type) =>
  new Promise((resolve) => {
    converted = resolve
    void send({ kind: 'convert', type })
  })

/** Sends a document in messages that are small enough not to block the server; a short document is one message. */
async function sendDocument(document: ParsedDocument) {
  let batch: ParseMessage[] = []
  let size = 0
  async function add(message: ParseMessage, weight: number) {
    if (size + weight > maxTextPerMessage && batch.length > 0) {
      await send(batch)
      batch = []
      size = 0
    }
    batch.push(message)
    size += weight
  }
  for (const [pageIndex, { page, text, headings, words }] of document.pages.entries()) {
    for (let start = 0; start === 0 || start < text.length; start += maxTextPerMessage) {
      const part = text.slice(start, start + maxTextPerMessage)
      await add({ kind: 'text', pageIndex, page, text: part }, part.length)
    }
    if (headings.length > 0)
      await add({ kind: 'headings', pageIndex, headings }, charactersPerItem * headings.length)
    if (words) await add({ kind: 'words', pageIndex, words }, charactersPerItem * words.length)
  }
  const indexes = new Map(document.pages.map(({ page }, index) => [page, index]))
  const passages: SentPassage[] = chunkDocument(document).map(({ page, start, end, heading }) => ({
    pageIndex: indexes.get(page ?? 1) ?? 0,
    start,
    end,
    heading,
  }))
  for (let i = 0; i < passages.length; i += maxPassagesPerMessage) {
    const part = passages.slice(i, i + maxPassagesPerMessage)
    await add({ kind: 'passages', passages: part }, charactersPerItem * part.length)
  }
  const { type, title, paged } = document
  const language = detectLanguage(document.pages.map(({ text }) => text).join('\n'))
  const last = { type, title, paged, language, retainedBytes: process.memoryUsage.rss() }
  await send([...batch, { kind: 'document', ...last }])
}

function failureOf(error: unknown): ParseMessage {
  if (error instanceof UnreadableFileError)
    return { kind: 'failed', code: error.code, message: error.message }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  // The message itself may quote the file, and user content must not appear in logs.
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? []
  return { kind: 'broken', cause: [name, ...frames].join('\n'), isMemory: outOfMemory.test(message) }
}

const outOfMemory = /out of memory|OOM|allocation failed/i

const send = (messages: ParseMessage | ParseMessage[]) =>
  new Promise<void>((resolve) => {
    process.send?.([messages].flat(), () => resolve())
  })
