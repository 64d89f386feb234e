import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../log.ts'
import type { ParseLimits, ParseOutcome } from './document.ts'
import { documentAssembler } from './document-assembler.ts'
import { outOfMemory, parserCrashed, timedOut, type UnreadableFileError } from './errors.ts'
import { overMemoryMessage, type ParseJob, type ParseMessage } from './messages.ts'

const entry = fileURLToPath(new URL('./parser-process.ts', import.meta.url))
/** Share of the memory limit for the JavaScript heap. The rest is for buffers, PDFium and Node.js itself. */
const heapShare = 0.6
const maxErrorOutputCharacters = 4_000

/** Starts a parser process. It parses one file after another until it breaks or is ended. */
export function parserProcess(limits: ParseLimits, log: Log) {
  const child: ChildProcess = fork(entry, [String(limits.memoryBytes)], {
    execPath: process.execPath,
    // The second flag halves the resident memory of short-lived objects and costs about 10 % of speed.
    execArgv: [
      `--max-old-space-size=${Math.floor((limits.memoryBytes * heapShare) / 1_048_576)}`,
      '--optimize-for-size',
    ],
    // The server's environment may contain keys, and parsers do not need it.
    env: {},
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
      resolve()
    }
    child.once('close', end)
    child.once('error', end)
  })
  let retainedBytes = 0

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

    /** Lets the server exit while this process is idle. */
    unref() {
      for (const handle of handles) handle?.unref()
    },

    async end(): Promise<void> {
      for (const handle of handles) handle?.ref()
      kill()
      await ended
    },

    /** Parses a file. Rejects only with the signal's reason; every other failure is an outcome. */
    async parse(
      job: ParseJob,
      signal: AbortSignal,
      onProgress: (done: number, total: number) => void,
    ): Promise<ParseOutcome> {
      for (const handle of handles) handle?.ref()
      const parts = documentAssembler()
      const { promise, resolve, reject } = Promise.withResolvers<ParseOutcome>()
      const fail = ({ code, message }: UnreadableFileError) => resolve({ ok: false, code, message })
      const timer = setTimeout(() => {
        kill()
        fail(timedOut(limits))
      }, limits.milliseconds)
      const onAbort = () => {
        kill()
        reject(signal.reason as Error)
      }
      const onMessage = (message: ParseMessage) => {
        if (message.kind === 'progress') onProgress(message.done, message.total)
        else if (message.kind === 'recognised') timer.refresh()
        else if (message.kind === 'failed')
          resolve({ ok: false, code: message.code, message: message.message })
        else if (message.kind === 'broken') {
          log.warn({ cause: message.cause }, 'a parser crashed')
          kill()
          fail(message.isMemory ? outOfMemory(limits) : parserCrashed())
        } else if (message.kind === 'document') {
          retainedBytes = message.retainedBytes
          resolve(parts.finish(message))
        } else parts.add(message)
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
      else child.send(job, (error) => error && fail(parserCrashed()))
      try {
        return await promise
      } finally {
        isSettled = true
        clearTimeout(timer)
        child.off('message', onMessage)
        signal.removeEventListener('abort', onAbort)
      }
    },
  }
}
export type ParserProcess = ReturnType<typeof parserProcess>
