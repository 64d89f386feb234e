import { setImmediate as yieldToEventLoop } from 'node:timers/promises'

/** Duration of one batch, which is how long a search may have to wait on the embedded database. */
const targetMs = 25
const initialSize = 5
const minSize = 2
const maxSize = 64

/** Processes items in batches that take about 25 ms each, whatever the speed of the database; yields after each. */
export async function inAdaptiveBatches<Item>(
  items: Item[],
  process: (batch: Item[]) => Promise<void>,
  signal: AbortSignal,
  clock: () => number = () => performance.now(),
): Promise<void> {
  let size = initialSize
  for (let first = 0; first < items.length; ) {
    signal.throwIfAborted()
    const batch = items.slice(first, first + size)
    const startedAt = clock()
    await process(batch)
    const elapsedMs = Math.max(1, clock() - startedAt)
    first += batch.length
    const growth = Math.min(2, Math.max(0.5, targetMs / elapsedMs))
    size = Math.round(Math.min(maxSize, Math.max(minSize, size * growth)))
    await yieldToEventLoop()
  }
}
