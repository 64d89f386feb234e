import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a command line as it would be typed, with these variables, and gives what it printed; a failure of curl fails. */
export async function typed(
  line: string,
  { folder, ...variables }: { folder: string } & Record<string, string>,
): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: folder, ...variables }
  const { stdout } = await execute('sh', ['-c', line], { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

/**
 * The events of a printed stream. Every one has to be written as the contract says: `data: ` with one line of JSON,
 * `id: ` with the next number, from `first` on, a blank line.
 */
export function eventsOf(printed: string, first = 1): Record<string, unknown>[] {
  const blocks = printed.split('\n\n')
  if (blocks.pop() !== '') throw new Error(`The stream does not end with a whole event:\n${printed}`)
  return blocks
    .filter((block) => !block.startsWith(':'))
    .map((block, i) => {
      const [, data, id] = /^data: (.*)\nid: (\d+)$/.exec(block) ?? []
      const n = first + i
      if (data === undefined || Number(id) !== n) throw new Error(`Not the event ${n}:\n${block}`)
      return JSON.parse(data) as Record<string, unknown>
    })
}
