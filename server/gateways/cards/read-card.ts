import { Worker } from 'node:worker_threads'
import type { CardAnswer, ReadCard } from './card-worker.ts'
import { notACard } from './errors.ts'

const timeoutMs = 20_000
const maxMemoryMb = 256

/** Reads a character card in a worker, with limits of time and memory. @throws not_a_card */
export async function readCardFile(path: string): Promise<ReadCard> {
  const worker = new Worker(new URL('./card-worker.ts', import.meta.url), {
    workerData: path,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb },
  })
  const timeout = setTimeout(() => void worker.terminate(), timeoutMs)
  try {
    const answer = await new Promise<CardAnswer>((resolve) => {
      worker.once('message', resolve)
      worker.once('error', () => resolve({ reason: 'it is damaged or too large.' }))
      worker.once('exit', () => resolve({ reason: 'reading it took too long.' }))
    })
    if ('reason' in answer) throw notACard(answer.reason)
    return answer
  } finally {
    clearTimeout(timeout)
    await worker.terminate()
  }
}
