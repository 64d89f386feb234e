import { writeSync } from 'node:fs'
import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Logger

/** Serializes an error without further fields, because those of a database error contain row values. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, cause } = error
  const code = 'code' in error ? { code: error.code } : {}
  return { name, message, ...code, stack, ...(cause === undefined ? {} : { cause: serializeError(cause) }) }
}

let droppedLines = 0

const maxRecentLines = 1_000
const recentLines: string[] = []

/** Returns the newest log lines of this process, the newest first. */
export const recentLogLines = (limit: number): Record<string, unknown>[] =>
  recentLines
    .slice(-limit)
    .toReversed()
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Returns the number of log lines that could not be written since the start. */
export const droppedLogLines = (): number => droppedLines

/**
 * Writes log lines to a file descriptor. A line that cannot be written (ENOSPC, EAGAIN, EPIPE) is dropped and counted:
 * pino's own destination retries forever, also while the process exits.
 */
export function createLogDestination(fd: number): DestinationStream {
  let rest: Uint8Array = new Uint8Array()
  const flush = () => {
    while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest))
  }
  return {
    write(line) {
      recentLines.push(line)
      if (recentLines.length > maxRecentLines) recentLines.shift()
      let bytes: Uint8Array | undefined
      try {
        // The rest of a partly written line comes first.
        flush()
        bytes = Buffer.from(line)
        rest = bytes
        flush()
      } catch {
        if (bytes !== undefined && rest.length < bytes.length) return
        if (bytes !== undefined) rest = new Uint8Array()
        droppedLines += 1
      }
    },
  }
}

/**
 * Creates the log: JSON lines on standard error, as standard output is for people. It must not contain what users
 * wrote or uploaded, nor keys, tokens or passwords.
 */
export function createLog(
  level: string,
  destination: DestinationStream = createLogDestination(2),
  /** Returns fields for every line. */
  fields?: () => object,
): Log {
  return pino(
    {
      level,
      base: null,
      ...(fields && { mixin: fields }),
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
      redact: {
        paths: ['password', '*.password', 'token', '*.token', 'apiKey', '*.apiKey', 'headers', '*.headers'],
        censor: '[secret]',
      },
    },
    destination,
  )
}
