import { stat } from 'node:fs/promises'
import type { Log } from '../../log.ts'
import { type ReadingChild, readingChild } from './child.ts'
import type { ReadLimits, ReadOutcome } from './document.ts'
import type { ReadJob } from './messages.ts'
import type { OcrSettings } from './ocr/tesseract.ts'
import { places } from './places.ts'
import { isWorthReading, supported, typeOf } from './types.ts'
import { empty, tooLarge, type Unreadable } from './unreadable.ts'

export type { ReadLimits, ReadOutcome } from './document.ts'
export type { OcrSettings } from './ocr/tesseract.ts'

/** What a parser leaves behind adds up; a fresh process costs some 200 ms. */
const filesOfOneChild = 250
const mostHeldShare = 0.5
/** An idle process gives its memory back after this time. */
const idleMilliseconds = 10_000

export type ReadOptions = {
  signal: AbortSignal
  onProgress?: (pagesDone: number, pagesTotal: number) => void
  /** It was fetched from the web: of its HTML the content is read, without the menus around it. */
  isWebPage?: boolean
}

/**
 * Reads files into text and passages, in processes of their own, at most `concurrency` at once; further ones wait
 * their turn. `read` never throws for what is wrong with a file, only the signal's reason, and when `path` is not there.
 * `supported` are the endings that can be read; `typeOf` also knows pictures, and `isWorthReading` whatever it can at least
 * say what to do about.
 */
export function reader(options: {
  limits: ReadLimits
  concurrency: number
  log: Log
  /** Null: pictures are not read. */
  ocr?: OcrSettings | null
}) {
  const { limits, concurrency, log, ocr = null } = options
  const closing = new AbortController()
  const turns = places(concurrency)
  const idle: { child: ReadingChild; files: number; timer: NodeJS.Timeout }[] = []
  const busy = new Set<ReadingChild>()

  async function read(
    path: string,
    filename: string,
    { signal, onProgress, isWebPage = false }: ReadOptions,
  ): Promise<ReadOutcome> {
    const either = AbortSignal.any([signal, closing.signal])
    either.throwIfAborted()
    const { size } = await stat(path)
    if (size === 0) return failure(empty())
    if (size > limits.bytes) return failure(tooLarge(size, limits))
    await turns.take(either)
    try {
      return await readInChild({ path, filename, limits, ocr, isWebPage }, either, onProgress)
    } finally {
      turns.giveBack()
    }
  }

  async function readInChild(job: ReadJob, signal: AbortSignal, onProgress: ReadOptions['onProgress']) {
    const { child, files } = awake() ?? { child: readingChild(limits, log), files: 0 }
    busy.add(child)
    try {
      return await child.read(job, signal, (done, total) => onProgress?.(done, total))
    } finally {
      busy.delete(child)
      const isSpent = files + 1 >= filesOfOneChild || child.heldBytes > mostHeldShare * limits.memoryBytes
      if (child.isUsable && !isSpent && !signal.aborted) putToRest(child, files + 1)
      else void child.end()
    }
  }

  function awake() {
    const resting = idle.pop()
    clearTimeout(resting?.timer)
    return resting && (resting.child.isUsable ? resting : undefined)
  }

  function putToRest(child: ReadingChild, files: number) {
    child.rest()
    const timer = setTimeout(() => {
      idle.splice(
        idle.findIndex((resting) => resting.child === child),
        1,
      )
      void child.end()
    }, idleMilliseconds)
    timer.unref()
    idle.push({ child, files, timer })
  }

  return {
    read,
    supported,
    typeOf,
    isWorthReading,
    async [Symbol.asyncDispose](): Promise<void> {
      closing.abort(new DOMException('The server is closing.', 'AbortError'))
      const children = [...busy, ...idle.splice(0).map(({ child, timer }) => (clearTimeout(timer), child))]
      await Promise.all(children.map((child) => child.end()))
    },
  }
}
export type Reader = ReturnType<typeof reader>

const failure = ({ code, message }: Unreadable): ReadOutcome => ({ ok: false, code, message })
