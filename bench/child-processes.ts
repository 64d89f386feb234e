import { readFileSync } from 'node:fs'

/** Returns the bytes of memory of all descendants of a process; pages that they share count once. 0 on systems without /proc. */
export function memoryOfChildren(pid = process.pid): number {
  return childPids(pid).reduce((sum, child) => sum + memoryOf(child) + memoryOfChildren(child), 0)
}

/** Returns the proportional set size of a process in bytes: a page shared by n processes counts as 1/n of a page. */
export const memoryOf = (pid: number) =>
  1024 * Number(/^Pss:\s+(\d+)/m.exec(readIfExists(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)

/** Returns the seconds of CPU time of all descendants of a process, also of those that ended; 0 on systems without /proc. */
export function cpuSecondsOfChildren(pid = process.pid): number {
  return childPids(pid).reduce((sum, child) => sum + cpuSeconds(child) + cpuSecondsOfChildren(child), 0)
}

/** Adds the times of a process in user and kernel mode and those of its ended children, in ticks of 10 ms (proc_pid_stat(5)). */
function cpuSeconds(pid: number): number {
  const fields = readIfExists(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? []
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100
}

function childPids(pid: number): number[] {
  return readIfExists(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
}

/** Returns an empty text if the process has ended. */
function readIfExists(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
