/** Formats a number of bytes: 1.2 MB. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** step
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step]}`
}

/** Formats a number with its noun: `1 page`, `12 pages`. */
export const formatCount = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`

/** Formats a timestamp relative to now: the time of today, the day of this year, or the full date. */
export function formatTime(iso: string, now = new Date()): string {
  const moment = new Date(iso)
  if (moment.toDateString() === now.toDateString())
    return moment.toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hour12: false })
  return moment.toLocaleDateString('en', {
    day: 'numeric',
    month: 'short',
    ...(moment.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
  })
}

// Each toLocaleString creates a formatter, which costs more than the rest of a message.
const fullTime = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'short', hour12: false })

/** Formats a timestamp in full, for a tooltip. */
export const formatFullTime = (iso: string): string => fullTime.format(new Date(iso))
