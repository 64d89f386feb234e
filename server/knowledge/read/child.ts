import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../log.ts'
import { assembly } from './assembly.ts'
import type { ReadLimits, ReadOutcome } from './document.ts'
import { overMemory, type ReadJob, type ReadMessage } from './messages.ts'
import { broken, outOfMemory, timedOut, type Unreadable } from './unreadable.ts'

const entry = fileURLToPath(new URL('./reading-process.ts', import.meta.url))
/** The rest of the memory is for what lies outside the heap: buffers, pdfium, Node itself. */
const heapShare = 0.6
const keptErrorOutput = 4_000

/** A reading process. It reads one file after the other, until it breaks or is ended. */
export function readingChild(limits: ReadLimits, log: Log) {
  const child: ChildProcess = fork(entry, [String(limits.memoryBytes)], {
    execPath: process.execPath,
    // The second flag halves what a parser's short-lived objects leave resident, at some 10 % of speed.
    execArgv: [
      `--max-old-space-size=${Math.floor((limits.memoryBytes * heapShare) / 1_048_576)}`,
      '--optimize-for-size',
    ],
    // Nothing of the server's environment: it may hold keys, and parsers need none of it.
    env: {},
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errorOutput = ''
  child.stderr?.on('data', (output: Buffer) => {
    errorOutput = (errorOutput + output.toString()).slice(-keptErrorOutput)
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
  let heldBytes = 0

  return {
    /** False as soon as it is being ended, by whomever. */
    get isUsable() {
      return isUsable
    },
    /** Resident memory after the last file. */
    get heldBytes() {
      return heldBytes
    },
    pid: child.pid,

    /** Lets the server end although this process is still there, idle. */
    rest() {
      for (const handle of handles) handle?.unref()
    },

    async end(): Promise<void> {
      for (const handle of handles) handle?.ref()
      kill()
      await ended
    },

    /** Reads a file. Rejects only with the signal's reason; whatever else happens is an outcome. */
    async read(
      job: ReadJob,
      signal: AbortSignal,
      onProgress: (done: number, total: number) => void,
    ): Promise<ReadOutcome> {
      for (const handle of handles) handle?.ref()
      const parts = assembly()
      const { promise, resolve, reject } = Promise.withResolvers<ReadOutcome>()
      const fail = ({ code, message }: Unreadable) => resolve({ ok: false, code, message })
      const timer = setTimeout(() => {
        kill()
        fail(timedOut(limits))
      }, limits.milliseconds)
      const onAbort = () => {
        kill()
        reject(signal.reason as Error)
      }
      const onMessage = (message: ReadMessage) => {
        if (message.kind === 'progress') onProgress(message.done, message.total)
        else if (message.kind === 'recognised') timer.refresh()
        else if (message.kind === 'failed')
          resolve({ ok: false, code: message.code, message: message.message })
        else if (message.kind === 'broken') {
          log.warn({ cause: message.cause }, 'a parser broke')
          kill()
          fail(message.isMemory ? outOfMemory(limits) : broken())
        } else if (message.kind === 'document') {
          heldBytes = message.heldBytes
          resolve(parts.finish(message))
        } else parts.add(message)
      }
      let isSettled = false
      const onEnd = () => {
        if (isSettled) return
        const isMemory = errorOutput.includes(overMemory) || errorOutput.includes('heap out of memory')
        log.warn(
          { code: child.exitCode, signal: child.signalCode, errorOutput },
          'a reading process ended while it read a file',
        )
        fail(isMemory ? outOfMemory(limits) : broken())
      }
      void ended.then(onEnd)
      child.on('message', onMessage)
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      else child.send(job, (error) => error && fail(broken()))
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
export type ReadingChild = ReturnType<typeof readingChild>
