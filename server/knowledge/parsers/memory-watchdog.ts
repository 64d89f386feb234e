import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { overMemoryMessage } from './messages.ts'

// Runs as a thread of a parser process, whose main thread is busy while it parses. A heap limit would ignore memory
// outside the heap.
const { memoryBytes, parent } = workerData as { memoryBytes: number; parent: number }
const intervalMs = 25
const standardError = 2

setInterval(() => {
  if (process.memoryUsage.rss() > memoryBytes) {
    writeSync(standardError, overMemoryMessage)
    process.kill(process.pid, 'SIGKILL')
  }
  // The parent has exited and can no longer stop this process.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, intervalMs)
