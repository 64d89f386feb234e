/** Creates a first-in, first-out semaphore with `count` permits. */
export function semaphore(count: number) {
  let free = count
  const waiting: (() => void)[] = []
  return {
    /** Resolves when a permit is available; rejects with the signal's reason if that fires first. */
    async acquire(signal: AbortSignal): Promise<void> {
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
    release() {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    },
  }
}
