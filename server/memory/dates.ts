import * as chrono from 'chrono-node'

/** A period that a text names, in whole days, weeks, months or years of UTC; `to` is exclusive. */
export type Period = {
  from: Date
  to: Date
  precision: 'day' | 'week' | 'month' | 'year'
  /** The expression in the text, and whether it names the year. */
  text: string
  isAbsolute: boolean
}

const parsers: Record<string, { parse: typeof chrono.parse }> = {
  eng: chrono.en.casual,
  deu: chrono.de.casual,
  spa: chrono.es.casual,
  fra: chrono.fr.casual,
  por: chrono.pt.casual,
  ita: chrono.it.casual,
  cmn: chrono.zh.casual,
  jpn: chrono.ja.casual,
  arb: chrono.ar.casual,
}
/** The parsers take time quadratic in runs of digits or spaces, so only the beginning of a text is searched. */
const maxCharacters = 300
/** Singular only, because "in two weeks" names a day. */
const week = /(?:week|woche|semana|semaine|settimana|週|周|星期)(?!\p{L})/iu

/** A year alone, which the parsers do not find. */
const yearAlone = /(?<![\p{L}\p{N}])(?:19|20)\d\d(?![\p{L}\p{N}])/u

/**
 * Returns the first period that a text names, resolved against a moment. A date without a year is the next one with
 * `prefer: 'future'`, the last one with `'past'`. `languages` (ISO 639-3) are tried in order; English when none of them
 * is known.
 */
export function findPeriod(
  text: string,
  at: Date,
  { languages, prefer }: { languages: (string | null)[]; prefer: 'past' | 'future' },
): Period | undefined {
  const beginning = text.slice(0, maxCharacters).replaceAll(/\s+/g, ' ')
  const known = [...new Set(languages)].flatMap((language) => parsers[language ?? ''] ?? [])
  for (const parser of known.length > 0 ? known : [chrono.en.casual]) {
    const results = parser.parse(
      beginning,
      { instant: at, timezone: 0 },
      { forwardDate: prefer === 'future' },
    )
    for (const result of results) {
      const precision = precisionOf(result)
      if (precision) return periodOf(result, precision, at, prefer)
    }
  }
  const [year] = yearAlone.exec(beginning) ?? []
  if (year === undefined) return undefined
  return {
    ...around(new Date(Date.UTC(Number(year), 0)), 'year'),
    precision: 'year',
    text: year,
    isAbsolute: true,
  }
}

function periodOf(
  { start, text }: chrono.ParsedResult,
  precision: Period['precision'],
  at: Date,
  prefer: 'past' | 'future',
): Period {
  const date = start.date()
  if (prefer === 'past' && date > at && !start.isCertain('year')) {
    if (start.isCertain('weekday')) date.setUTCDate(date.getUTCDate() - 7)
    else if (start.isCertain('month')) date.setUTCFullYear(date.getUTCFullYear() - 1)
  }
  const isRelative = start.tags().has('result/relativeDate')
  const isAbsolute = !isRelative && start.isCertain('year') && /\p{N}{4}/u.test(text)
  return { ...around(date, precision), precision, text, isAbsolute }
}

/** German abbreviations of weekdays are English words: "do", "so", "mi". */
const abbreviation = /^\p{Script=Latin}{1,2}$/u

/** Returns undefined for other results: parts of the day ("opening night") and ambiguous abbreviations. */
function precisionOf({ start, text }: chrono.ParsedResult): Period['precision'] | undefined {
  if (abbreviation.test(text)) return undefined
  if (start.tags().has('result/relativeDate') && week.test(text)) return 'week'
  if (start.isCertain('day') || start.isCertain('weekday') || start.isCertain('hour')) return 'day'
  if (start.isCertain('month')) return 'month'
  return start.isCertain('year') ? 'year' : undefined
}

function around(date: Date, precision: Period['precision']): { from: Date; to: Date } {
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  const utc = (y: number, m: number, d: number) => new Date(Date.UTC(y, m, d))
  if (precision === 'year') return { from: utc(year, 0, 1), to: utc(year + 1, 0, 1) }
  if (precision === 'month') return { from: utc(year, month, 1), to: utc(year, month + 1, 1) }
  if (precision === 'day') return { from: utc(year, month, day), to: utc(year, month, day + 1) }
  const monday = day - ((date.getUTCDay() + 6) % 7)
  return { from: utc(year, month, monday), to: utc(year, month, monday + 7) }
}

/** Appends the date of the relative expression in a text, since the meaning of "next Tuesday" changes over time. */
export function withDate(text: string, period: Period | undefined): string {
  if (!period || period.isAbsolute) return text
  const day = period.from.toISOString()
  const date = {
    day: day.slice(0, 10),
    week: `week of ${day.slice(0, 10)}`,
    month: day.slice(0, 7),
    year: day.slice(0, 4),
  }
  return `${text} (${date[period.precision]})`
}
