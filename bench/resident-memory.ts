import { readFileSync } from 'node:fs'

/** Returns the resident bytes of all descendants of a process; 0 on systems without /proc. */
export function residentBytesOfChildren(pid = process.pid): number {
  return childPids(pid).reduce((sum, child) => sum + residentBytes(child) + residentBytesOfChildren(child), 0)
}

function childPids(pid: number): number[] {
  return readIfExists(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
}

const residentBytes = (pid: number) =>
  1024 * Number(/VmRSS:\s+(\d+)/.exec(readIfExists(`/proc/${pid}/status`))?.[1] ?? 0)

/** Returns an empty text if the process has ended. */
function readIfExists(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
