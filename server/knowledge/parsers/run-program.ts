import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import type { Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'

export type ProgramLimits = { memoryBytes: number; milliseconds: number }

/** Lowers the priority below the server's. */
const processPriority = 10

/** Programs usually report the cause first, and a damaged file may produce any number of warnings. */
const maxComplaintCharacters = 10_000

/** The exit code of a shell that does not find a program. */
const notFound = 127

/**
 * Runs a program of the operator, found in `env.PATH`, until `signal` aborts, with limits on memory and time, because a
 * file may unpack to any size. The limit on CPU time also ends the children of a killed program.
 */
export async function runProgram(
  command: string[],
  {
    input,
    env,
    limits,
    signal,
  }: {
    input?: Uint8Array | undefined
    env: NodeJS.ProcessEnv
    limits: ProgramLimits
    signal: AbortSignal
  },
) {
  const kilobytes = Math.floor(limits.memoryBytes / 1024)
  const seconds = Math.ceil(limits.milliseconds / 1000)
  const bounded =
    process.platform === 'win32'
      ? command
      : [
          'sh',
          '-c',
          `ulimit -v ${kilobytes} 2>/dev/null; ulimit -t ${seconds} 2>/dev/null; exec "$0" "$@"`,
          ...command,
        ]
  const [program = '', ...args] = bounded
  const child = spawn(program, args, {
    env,
    timeout: limits.milliseconds,
    killSignal: 'SIGKILL',
    windowsHide: true,
    signal,
  })
  if (child.pid !== undefined) setPriority(child.pid, processPriority)
  const ended = new Promise<number | null | 'not_installed'>((resolve) => {
    child.once('error', () => resolve('not_installed'))
    child.once('close', resolve)
  })
  // The program may exit before it has read all input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [output, complaint, code] = await Promise.all([
    textOf(child.stdout),
    beginningOf(child.stderr),
    ended,
  ])
  return { code: code === notFound ? ('not_installed' as const) : code, output, complaint }
}

/** Reads a stream to its end and returns its beginning. */
async function beginningOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8'))
    if (text.length < maxComplaintCharacters) text += String(chunk)
  return text.slice(0, maxComplaintCharacters)
}
