import { setImmediate as breathe } from 'node:timers/promises'

/** A transaction of ours takes about this long, so that a search that comes in between waits no longer. */
const aimedMs = 25
const smallest = 2
const largest = 64

/**
 * Works through a list in transactions of about 25 ms, however fast the store is, and lets others in after each.
 */
export async function inAdaptiveBatches<Item>(
  items: Item[],
  work: (step: Item[]) => Promise<void>,
  signal: AbortSignal,
  clock: () => number = () => performance.now(),
): Promise<void> {
  let size = 5
  for (let first = 0; first < items.length; ) {
    signal.throwIfAborted()
    const step = items.slice(first, first + size)
    const before = clock()
    await work(step)
    const took = Math.max(1, clock() - before)
    first += step.length
    size = Math.round(
      Math.min(largest, Math.max(smallest, size * Math.min(2, Math.max(0.5, aimedMs / took)))),
    )
    await breathe()
  }
}
