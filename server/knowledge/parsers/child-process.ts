import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, realpathSync } from 'node:fs'
import { copyFile, lstat, mkdir, readdir, rm, symlink, unlink } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir, uptime } from 'node:os'
import { resolve as absolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../log.ts'
import { isLegacyOffice } from './content-type.ts'
import type { PagePicture, PageToDraw, ParseLimits, ParseOutcome } from './document.ts'
import { documentAssembler } from './document-assembler.ts'
import { outOfMemory, parserCrashed, timedOut, UnreadableFileError } from './errors.ts'
import { libreOffice } from './libreoffice.ts'
import {
  maxPrograms,
  overMemoryMessage,
  type ParseMessage,
  type ParseRequest,
  type ParserRequest,
} from './messages.ts'
import { type OcrSettings, tesseract } from './ocr/tesseract.ts'
import { permissionFlags } from './sandbox.ts'

export type ParseJob = Omit<ParseRequest, 'kind' | 'hasOcr'> & {
  ocr: OcrSettings | null
  /** Where LibreOffice is looked for, in the format of PATH. */
  searchPath: string | undefined
}

type ParseFailed = Extract<ParseOutcome, { ok: false }>
type ParserReply = Exclude<ParseMessage, { kind: 'recognize' | 'convert' | 'failed' | 'broken' }>

const entry = fileURLToPath(new URL('./parser-process.ts', import.meta.url))
/** The share of the memory limit for the JavaScript heap. The rest is for buffers, PDFium and Node.js itself. */
const heapShare = 0.6
const maxErrorOutputCharacters = 4_000

const folderPrefix = 'gabee-parser-'
const parentFolder = () => realpathSync(tmpdir())

/** Deletes the folders of parsers whose server crashed. They may contain a converted copy of a document. */
export async function deleteAbandonedFolders(log: Log): Promise<void> {
  const parent = parentFolder()
  for (const name of await readdir(parent).catch(() => [])) {
    const pid = Number(new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1])
    const path = join(parent, name)
    if (pid && !(await isInUse(path, pid))) await remove(path, log)
  }
}

/**
 * Whether the process is still running. After a restart of the machine or container, its id may belong to another
 * process or this one.
 */
async function isInUse(path: string, pid: number): Promise<boolean> {
  const { mtimeMs } = (await lstat(path).catch(() => undefined)) ?? { mtimeMs: 0 }
  const runningSeconds = pid === process.pid ? process.uptime() : uptime()
  return isRunning(pid) && mtimeMs >= Date.now() - runningSeconds * 1_000
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

// A killed program may still be writing files.
const remove = (path: string, log: Log) =>
  rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
    log.warn({ err: error }, 'temporary files of a parser were not deleted'),
  )

/** Starts a parser process, which parses one file at a time until it fails or is stopped. */
export function parserProcess(limits: ParseLimits, log: Log) {
  // The process may read this folder, with links to the files that it parses.
  const readable = mkdtempSync(join(parentFolder(), `${folderPrefix}${process.pid}-`))
  const child: ChildProcess = fork(entry, [String(limits.memoryBytes)], {
    execPath: process.execPath,
    // The second flag halves the resident memory of short-lived objects and costs about 10 % of speed.
    execArgv: [
      `--max-old-space-size=${Math.floor((limits.memoryBytes * heapShare) / 1_048_576)}`,
      '--optimize-for-size',
      ...permissionFlags(readable),
    ],
    // The server's environment may contain keys, and parsers do not need it. glibc returns freed memory, as in scripts/run.mjs.
    env: { MALLOC_TRIM_THRESHOLD_: '131072' },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errorOutput = ''
  child.stderr?.on('data', (output: Buffer) => {
    errorOutput = (errorOutput + output.toString()).slice(-maxErrorOutputCharacters)
  })
  const handles = [child, child.channel, child.stderr as Socket | null]
  let isUsable = true
  const kill = () => {
    isUsable = false
    child.kill('SIGKILL')
  }
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      isUsable = false
      void remove(readable, log).then(resolve)
    }
    child.once('close', end)
    child.once('error', end)
  })
  let retainedBytes = 0
  let count = 0

  /** Sends one request, and runs the programs that the process requests, until `receive` resolves. */
  async function perform<Done>(
    { path: file, ocr, searchPath }: Pick<ParseJob, 'path' | 'ocr' | 'searchPath'>,
    signal: AbortSignal,
    {
      request,
      receive,
    }: {
      request(path: string): ParserRequest
      receive(message: ParserReply, resolve: (done: Done | Promise<Done>) => void): void
    },
  ): Promise<Done | ParseFailed> {
    for (const handle of handles) handle?.ref()
    const original = absolute(file)
    const path = join(readable, String((count += 1)))
    /** For a converted copy. */
    const folder = `${path}-converted`
    let isConverted = false
    const { promise, resolve, reject } = Promise.withResolvers<Done | ParseFailed>()
    const fail = ({ code, message }: UnreadableFileError) => resolve({ ok: false, code, message })
    const timer = setTimeout(() => {
      kill()
      fail(timedOut(limits))
    }, limits.milliseconds)
    const finished = new AbortController()
    const ask = (request: ParserRequest) => child.send(request, (error) => error && fail(parserCrashed()))
    let programs = 0
    /** Starts a program for the parser, which chooses neither the program nor the file. */
    const run = async (message: Extract<ParseMessage, { kind: 'recognize' | 'convert' }>) => {
      if (programs >= maxPrograms) throw parserCrashed()
      programs += 1
      if (message.kind === 'recognize' && ocr) {
        const { id, bytes, dotsPerInch } = message
        const image = bytes ? { bytes } : { path: original }
        const pages = await tesseract(ocr, limits, finished.signal)(image, dotsPerInch)
        if (finished.signal.aborted) return
        timer.refresh()
        ask({ kind: 'recognized', id, pages })
      } else if (message.kind === 'convert' && isLegacyOffice(message.type)) {
        isConverted = true
        await mkdir(folder)
        const convert = libreOffice(searchPath, folder, limits, finished.signal)
        const converted = await convert(original, message.type)
        if (!finished.signal.aborted) ask({ kind: 'converted', path: converted })
      }
      programs -= 1
    }
    const start = async () => {
      // On Windows, most users may not create links.
      await symlink(original, path).catch(() => copyFile(original, path))
      ask(request(path))
    }
    const onAbort = () => {
      kill()
      reject(signal.reason as Error)
    }
    const onMessage = (messages: ParseMessage[]) => {
      for (const message of messages) handle(message)
    }
    const handle = (message: ParseMessage) => {
      if (message.kind === 'recognize' || message.kind === 'convert')
        run(message).catch((error: unknown) => {
          if (finished.signal.aborted) return
          kill()
          fail(error instanceof UnreadableFileError ? error : parserCrashed())
        })
      else if (message.kind === 'failed') resolve({ ok: false, code: message.code, message: message.message })
      else if (message.kind === 'broken') {
        log.warn({ cause: message.cause }, 'a parser crashed')
        kill()
        fail(message.isMemory ? outOfMemory(limits) : parserCrashed())
      } else receive(message, resolve)
    }
    let isSettled = false
    const onEnd = () => {
      if (isSettled) return
      const isMemory = errorOutput.includes(overMemoryMessage) || errorOutput.includes('heap out of memory')
      log.warn(
        { code: child.exitCode, signal: child.signalCode, errorOutput },
        'a parser process exited while parsing a file',
      )
      fail(isMemory ? outOfMemory(limits) : parserCrashed())
    }
    void ended.then(onEnd)
    child.on('message', onMessage)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else start().catch((error: Error) => (isUsable ? reject(error) : fail(parserCrashed())))
    try {
      return await promise
    } finally {
      isSettled = true
      finished.abort()
      clearTimeout(timer)
      child.off('message', onMessage)
      signal.removeEventListener('abort', onAbort)
      await unlink(path).catch(() => undefined)
      if (isConverted) await remove(folder, log)
    }
  }

  return {
    /** False once the process is ending for any reason. */
    get isUsable() {
      return isUsable
    },
    /** Resident memory after the last file, in bytes. */
    get retainedBytes() {
      return retainedBytes
    },
    pid: child.pid,

    /** Allows the server to exit while this process is idle. */
    unref() {
      for (const handle of handles) handle?.unref()
    },

    async end(): Promise<void> {
      for (const handle of handles) handle?.ref()
      kill()
      await ended
    },

    /** Parses a file. Rejects with the signal's reason or an error of the disk; every other failure is an outcome. */
    async parse(
      job: ParseJob,
      signal: AbortSignal,
      onProgress: (done: number, total: number) => void,
    ): Promise<ParseOutcome> {
      const { ocr, searchPath: _searchPath, ...file } = job
      const parts = documentAssembler()
      return await perform<ParseOutcome>(job, signal, {
        request: (path) => ({ kind: 'parse', ...file, path, hasOcr: ocr !== null }),
        receive(message, resolve) {
          if (message.kind === 'progress') onProgress(message.done, message.total)
          else if (message.kind === 'document') {
            retainedBytes = message.retainedBytes
            resolve(parts.finish(message))
          } else if (message.kind !== 'drawn') parts.add(message)
        },
      })
    },

    /** Draws a page of a PDF. Rejects as `parse` does. */
    draw: (page: PageToDraw, signal: AbortSignal) =>
      perform<{ ok: true; picture: PagePicture | undefined }>(
        { path: page.path, ocr: null, searchPath: undefined },
        signal,
        {
          request: (path) => ({ kind: 'draw', ...page, path }),
          receive(message, resolve) {
            if (message.kind === 'drawn') resolve({ ok: true, picture: message.picture })
          },
        },
      ),
  }
}
export type ParserProcess = ReturnType<typeof parserProcess>
