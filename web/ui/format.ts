/** Bytes as people say them: 1.2 MB. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** step
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step]}`
}

/** `1 page`, `12 pages`. */
export const formatCount = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`

/** A moment as seen from now: the time today, the day this year, else the date. */
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

/** The exact moment, for a title. */
export const formatFullTime = (iso: string): string =>
  new Date(iso).toLocaleString('en', { dateStyle: 'long', timeStyle: 'short', hour12: false })
