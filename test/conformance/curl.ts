import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a command line in a shell with these variables and returns its output; throws when curl fails. */
export async function runShell(
  line: string,
  { folder, ...variables }: { folder: string } & Record<string, string>,
): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: folder, ...variables }
  const { stdout } = await execute('sh', ['-c', line], { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

/**
 * Parses a stream of canonical events: each is `data: ` with one line of JSON, `id: ` with the next number, starting at
 * `first`, and a blank line. Throws for any deviation.
 */
export function eventsOf(printed: string, first = 1): Record<string, unknown>[] {
  return blocksOf(printed).map((block, index) => {
    const [, data, id] = /^data: (.*)\nid: (\d+)$/.exec(block) ?? []
    const n = first + index
    if (data === undefined || Number(id) !== n) throw new Error(`Expected event ${n}, got:\n${block}`)
    return JSON.parse(data) as Record<string, unknown>
  })
}

/**
 * Parses a stream in a protocol of another product: numbers increase but may skip, and of several frames for one event
 * only the last has a number. Throws for any other deviation.
 */
export function renderedEventsOf(printed: string): Record<string, unknown>[] {
  let last = 0
  const blocks = blocksOf(printed)
  return blocks.map((block, index) => {
    const [, data, id] = /^data: (.*?)(?:\nid: (\d+))?$/.exec(block) ?? []
    const n = id === undefined ? last + 1 : Number(id)
    const isMissing = id === undefined && index === blocks.length - 1
    if (data === undefined || n <= last || isMissing)
      throw new Error(`Expected an event after ${last}, got:\n${block}`)
    if (id !== undefined) last = n
    return JSON.parse(data) as Record<string, unknown>
  })
}

function blocksOf(printed: string): string[] {
  const blocks = printed.split('\n\n')
  if (blocks.pop() !== '') throw new Error(`The stream does not end with a complete event:\n${printed}`)
  return blocks.filter((block) => !block.startsWith(':'))
}
