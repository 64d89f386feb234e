import { stat } from 'node:fs/promises'
import type { Log } from '../../log.ts'
import { type ParseJob, type ParserProcess, parserProcess } from './child-process.ts'
import type { PagePicture, PageToDraw, ParseLimits, ParseOutcome } from './document.ts'
import { empty, tooLarge, type UnreadableFileError } from './errors.ts'
import { fairSemaphore } from './fair-semaphore.ts'
import type { OcrSettings } from './ocr/tesseract.ts'
import { isWorthParsing, supported, typeOf } from './types.ts'

export { deleteAbandonedFolders } from './child-process.ts'
export type { PageWord, ParseLimits as ReadLimits, ParseOutcome as ReadOutcome } from './document.ts'
export type { OcrSettings } from './ocr/tesseract.ts'

/** A new process takes 0.3 s of CPU time; 4,000 Markdown files add 6 MB to one of 58 MB, 1,600 PDFs 3 MB. */
const maxFilesPerProcess = 5_000
const maxRetainedMemoryShare = 0.5
/** Time after which an idle process ends and releases its memory. */
const idleTimeoutMs = 10_000

export type ParseOptions = {
  signal: AbortSignal
  /** The owner of the file; users are served in turn. */
  user?: string
  onProgress?: (pagesDone: number, pagesTotal: number) => void
  /** True for a page fetched from the web, whose menus are left out. */
  isWebPage?: boolean
}

/**
 * Parses files into text and passages in child processes: at most `concurrency` at a time, and one more for users whose
 * files would otherwise wait for those of another user. A problem with a file is an outcome; `read` throws only the signal's reason, or when the file does not exist.
 */
export function documentParser(options: {
  limits: ParseLimits
  concurrency: number
  log: Log
  /** Null disables text recognition. */
  ocr?: OcrSettings | null
  /** Search path for LibreOffice, which converts Office files from before 2007; in the format of PATH. */
  searchPath?: string | undefined
}) {
  const { limits, concurrency, log, ocr = null, searchPath } = options
  const closing = new AbortController()
  const turns = fairSemaphore(concurrency)
  const idle: { child: ParserProcess; files: number; timer: NodeJS.Timeout }[] = []
  const busy = new Set<ParserProcess>()

  async function parse(
    path: string,
    filename: string,
    { signal, user = '', onProgress, isWebPage = false }: ParseOptions,
  ): Promise<ParseOutcome> {
    const either = AbortSignal.any([signal, closing.signal])
    either.throwIfAborted()
    const { size } = await stat(path)
    if (size === 0) return failure(empty())
    if (size > limits.bytes) return failure(tooLarge(size, limits))
    await turns.acquire(user, either)
    try {
      const job: ParseJob = { path, filename, limits, ocr, searchPath, isWebPage }
      return await inProcess(either, (child) =>
        child.parse(job, either, (done, total) => onProgress?.(done, total)),
      )
    } finally {
      turns.release(user)
    }
  }

  async function inProcess<Outcome>(
    signal: AbortSignal,
    work: (child: ParserProcess, signal: AbortSignal) => Promise<Outcome>,
  ): Promise<Outcome> {
    const { child, files } = takeIdleProcess() ?? { child: parserProcess(limits, log), files: 0 }
    busy.add(child)
    try {
      return await work(child, signal)
    } finally {
      const isSpent =
        files + 1 >= maxFilesPerProcess || child.retainedBytes > maxRetainedMemoryShare * limits.memoryBytes
      if (child.isUsable && !isSpent && !signal.aborted) {
        busy.delete(child)
        keepIdle(child, files + 1)
      } else void child.end().then(() => busy.delete(child))
    }
  }

  /** Draws a page of a PDF, in addition to the files that are parsed; undefined if it cannot or need not be drawn. */
  async function draw(page: PageToDraw, signal: AbortSignal): Promise<PagePicture | undefined> {
    const outcome = await inProcess(AbortSignal.any([signal, closing.signal]), (child, either) =>
      child.draw(page, either),
    )
    return outcome.ok ? outcome.picture : undefined
  }

  function takeIdleProcess() {
    const resting = idle.pop()
    clearTimeout(resting?.timer)
    return resting && (resting.child.isUsable ? resting : undefined)
  }

  function keepIdle(child: ParserProcess, files: number) {
    child.unref()
    const timer = setTimeout(() => {
      idle.splice(
        idle.findIndex((resting) => resting.child === child),
        1,
      )
      void child.end()
    }, idleTimeoutMs)
    timer.unref()
    idle.push({ child, files, timer })
  }

  return {
    read: parse,
    draw,
    supported,
    typeOf,
    isWorthParsing,
    async [Symbol.asyncDispose](): Promise<void> {
      closing.abort(new DOMException('The server is closing.', 'AbortError'))
      const children = [...busy, ...idle.splice(0).map(({ child, timer }) => (clearTimeout(timer), child))]
      await Promise.all(children.map((child) => child.end()))
    },
  }
}
export type DocumentParser = ReturnType<typeof documentParser>

const failure = ({ code, message }: UnreadableFileError): ParseOutcome => ({ ok: false, code, message })
