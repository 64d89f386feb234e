/**
 * Creates a semaphore with `count` permits that serves users in turn, each in the order of their requests. One
 * additional permit is reserved for users who have none, so that nobody waits for a single other user.
 */
export function fairSemaphore(count: number) {
  const held = new Map<string, number>()
  /** Users in the order in which they are served. */
  const waiting = new Map<string, (() => void)[]>()
  let used = 0

  const isAvailable = (user: string) => used < count || (used === count && !held.has(user))

  function take(user: string): void {
    used += 1
    held.set(user, (held.get(user) ?? 0) + 1)
  }

  function serveNext(): void {
    for (const [user, [next, ...more]] of waiting) {
      if (!isAvailable(user)) continue
      waiting.delete(user)
      if (more.length > 0) waiting.set(user, more)
      if (!next) continue
      take(user)
      next()
    }
  }

  return {
    /** Resolves when a permit is available; rejects with the signal's reason if that fires first. */
    async acquire(user: string, signal: AbortSignal): Promise<void> {
      if (isAvailable(user) && !waiting.has(user)) return take(user)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const onAbort = () => {
        const left = (waiting.get(user) ?? []).filter((each) => each !== resolve)
        if (left.length > 0) waiting.set(user, left)
        else waiting.delete(user)
        reject(signal.reason as Error)
      }
      waiting.set(user, [...(waiting.get(user) ?? []), resolve])
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },

    release(user: string): void {
      used -= 1
      const left = (held.get(user) ?? 0) - 1
      if (left > 0) held.set(user, left)
      else held.delete(user)
      serveNext()
    },
  }
}
