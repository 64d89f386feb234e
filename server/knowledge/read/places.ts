/** A number of places that are taken in the order in which they were asked for. */
export function places(count: number) {
  let free = count
  const waiting: (() => void)[] = []
  return {
    /** Resolves when a place is free; rejects with the signal's reason when that comes first. */
    async take(signal: AbortSignal): Promise<void> {
      if (free > 0) {
        free -= 1
        return
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const onAbort = () => {
        waiting.splice(waiting.indexOf(resolve), 1)
        reject(signal.reason as Error)
      }
      waiting.push(resolve)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    giveBack() {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    },
  }
}
