import { currentLanguage } from '../../languages/index.ts'
/** Returns the last `count` UTC days, oldest first. */
export function lastDays(count: number, now = new Date()): string[] {
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate())
  return Array.from({ length: count }, (_, i) =>
    new Date(today - (count - 1 - i) * 24 * 60 * 60 * 1000).toISOString().slice(0, 10),
  )
}

/** Formats an ISO day as `Nov 21`. */
export const formatDay = (day: string): string =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString(currentLanguage(), {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  })

/** Returns the upper end of a chart axis: the largest value, rounded up to one significant digit. */
export function axisMax(values: number[]): number {
  const max = Math.max(1, ...values)
  const step = 10 ** Math.floor(Math.log10(max))
  return Math.ceil(max / step) * step
}
