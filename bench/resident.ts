import { readFileSync } from 'node:fs'

/** Resident bytes of all processes below this one; 0 where /proc does not tell. */
export function residentOfChildren(pid = process.pid): number {
  return childrenOf(pid).reduce((sum, child) => sum + residentOf(child) + residentOfChildren(child), 0)
}

/** The processes that a process has started, by any of its threads. */
function childrenOf(pid: number): number[] {
  return told(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
}

const residentOf = (pid: number) =>
  1024 * Number(/VmRSS:\s+(\d+)/.exec(told(`/proc/${pid}/status`))?.[1] ?? 0)

/** A process may have ended meanwhile. */
function told(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
