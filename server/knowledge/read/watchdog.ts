import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { overMemory } from './messages.ts'

// Runs as a thread of a reading process, because that process cannot look after itself while a parser keeps it busy,
// and a heap limit knows nothing of the memory that lies outside the heap.
const { memoryBytes, parent } = workerData as { memoryBytes: number; parent: number }
const everyMilliseconds = 25
const standardError = 2

setInterval(() => {
  if (process.memoryUsage.rss() > memoryBytes) {
    writeSync(standardError, overMemory)
    process.kill(process.pid, 'SIGKILL')
  }
  // Whoever asked is gone, and nobody is left to stop this process.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, everyMilliseconds)
