const firstMs = 5_000
const maxMs = 15 * 60_000

/**
 * Returns the milliseconds until the next attempt after a number of consecutive failures: doubles up to 15 minutes,
 * reduced by up to half at random, so that jobs that failed together are not retried together ("equal jitter", AWS
 * Architecture Blog, "Exponential Backoff And Jitter", 2015).
 */
export function retryDelayMs(failures: number, random: () => number = Math.random): number {
  const ms = Math.min(firstMs * 2 ** (failures - 1), maxMs)
  return ms / 2 + (ms / 2) * random()
}
