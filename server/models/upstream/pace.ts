import { setTimeout as pause } from 'node:timers/promises'

/**
 * The approximate CPU time for one piece of an answer from the model to its reader, measured with 500 answers
 * by `node bench/runs.ts --only turn`.
 */
const msPerPiece = 0.1
/** Readers notice longer gaps. */
const maxIntervalMs = 100

/**
 * Returns a function that is called before each read of a stream. When streams deliver more pieces than one core can
 * process, it returns a promise that resolves at the end of an interval, so that all pieces of the interval are read as
 * one.
 */
export function createPace() {
  let startedAt = 0
  let reads = 0
  let interval: Promise<void> | undefined
  return (): Promise<void> | undefined => {
    reads += 1
    if (interval) return interval
    const now = performance.now()
    if (now - startedAt < 1) return undefined
    const lengthMs = Math.min(reads * msPerPiece, maxIntervalMs)
    startedAt = now
    reads = 0
    if (lengthMs < 1) return undefined
    interval = pause(lengthMs).then(() => {
      interval = undefined
    })
    return interval
  }
}
