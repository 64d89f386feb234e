import { currentLanguage, isolate, perLanguage } from '../languages/index.ts'

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']

// Cached, because each toLocaleString creates a formatter, which takes longer than the rest of a message.
const fullTime = perLanguage(
  (language) => new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', hour12: false }),
)
const number = perLanguage((language) => new Intl.NumberFormat(language))
const percent = perLanguage((language) => new Intl.NumberFormat(language, { style: 'percent' }))
const alternatives = perLanguage((language) => new Intl.ListFormat(language, { type: 'disjunction' }))

/** Joins details: `PDF · 12 pages`. */
export const joinFacts = (facts: (string | number | false | null | undefined)[]): string =>
  facts
    .filter(Boolean)
    .map((fact) => isolate(String(fact)))
    .join(' · ')

/** Formats a number of bytes: 1.2 MB. */
export function formatBytes(bytes: number): string {
  const step = bytes < 1000 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** step
  const digits = value >= 100 || step === 0 ? 0 : 1
  return value.toLocaleString(currentLanguage(), {
    style: 'unit',
    unit: byteUnits[step] ?? 'byte',
    // The short form has no plural in English: 61 byte.
    unitDisplay: step === 0 ? 'long' : 'short',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

/** Formats a duration in seconds: 1.2 sec. */
export const formatSeconds = (seconds: number): string =>
  seconds.toLocaleString(currentLanguage(), {
    style: 'unit',
    unit: 'second',
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  })

/** Formats an amount in an unknown currency: 0.0123. */
export const formatCost = (amount: number): string =>
  amount.toLocaleString(currentLanguage(), { maximumSignificantDigits: 3 })

/** Formats a share between 0 and 1: 85%. */
export const formatPercent = (share: number): string => percent().format(share)

export const formatNumber = (n: number): string => number().format(n)

/** Formats a list of alternatives: `a, b or c`. */
export const formatAlternatives = (items: string[]): string => alternatives().format(items)

/** Formats a timestamp relative to now: the time of today, the day of this year, or the full date. */
export function formatTime(iso: string, now = new Date()): string {
  const moment = new Date(iso)
  if (moment.toDateString() === now.toDateString())
    return moment.toLocaleTimeString(currentLanguage(), {
      hour: '2-digit',
      minute: '2-digit',
      hour12: false,
    })
  return moment.toLocaleDateString(currentLanguage(), {
    day: 'numeric',
    month: 'short',
    ...(moment.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
  })
}

/** Formats a timestamp in full, for a tooltip. */
export const formatFullTime = (iso: string): string => fullTime().format(new Date(iso))
