/** The last days as the server counts them (UTC), the oldest first. */
export function lastDays(count: number, now = new Date()): string[] {
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate())
  return Array.from({ length: count }, (_, i) =>
    new Date(today - (count - 1 - i) * 24 * 60 * 60 * 1000).toISOString().slice(0, 10),
  )
}

/** `21 Nov` */
export const formatDay = (day: string): string =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString('en', { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** The round number at or above the largest value: where a plot's axis ends. */
export function axisMax(values: number[]): number {
  const most = Math.max(1, ...values)
  const step = 10 ** Math.floor(Math.log10(most))
  return Math.ceil(most / step) * step
}
