/** Bounds what is remembered; the oldest goes first. */
const mostKeys = 10_000

/** Counts attempts by key within a sliding window, in this process' memory. */
export function attemptLimit({
  most,
  withinMs,
  now = Date.now,
}: {
  most: number
  withinMs: number
  now?: () => number
}) {
  const times = new Map<string, number[]>()
  const recent = (key: string) => (times.get(key) ?? []).filter((at) => at > now() - withinMs)

  return {
    /** Seconds until the next attempt is taken, or null when one is taken now. */
    wait(key: string): number | null {
      const attempts = recent(key)
      const [first] = attempts.slice(-most)
      return attempts.length < most || first === undefined
        ? null
        : Math.ceil((first + withinMs - now()) / 1000)
    },
    note(key: string): void {
      const attempts = [...recent(key), now()]
      times.delete(key)
      times.set(key, attempts)
      const [oldest] = times.keys()
      if (times.size > mostKeys && oldest !== undefined) times.delete(oldest)
    },
    forget(key: string): void {
      times.delete(key)
    },
  }
}
