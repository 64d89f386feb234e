/**
 * Expressions of time in a text, resolved against the moment it was written. Days are those of UTC, as a message
 * says nothing of where its author is.
 */
export type DatedExpression = {
  /** Where it stands in the text. */
  start: number
  end: number
  /** The first moment of what is meant, and the first after it. */
  from: Date
  to: Date
  precision: 'day' | 'week' | 'month' | 'year'
}

type Precision = DatedExpression['precision']
/** Which way an expression without a direction of its own ("on Friday", "in June") is meant. */
export type Leaning = 'past' | 'future'

type Words = {
  locale: string
  /** Words for a day, with its distance from today. */
  days: Record<string, number>
  units: Record<Precision, string>
  next: string
  last: string
  thisOne: string
  /** Whether next and last stand after what they say something of. */
  after: boolean
  ahead: string[]
  ago: string[]
  /** What stands before a month or a year. */
  within: string
}

const languages: Words[] = [
  {
    locale: 'en',
    days: {
      'the day after tomorrow': 2,
      'the day before yesterday': -2,
      today: 0,
      tonight: 0,
      'this morning': 0,
      'this evening': 0,
      'this afternoon': 0,
      'last night': -1,
      tomorrow: 1,
      yesterday: -1,
    },
    units: { day: 'days?', week: 'weeks?', month: 'months?', year: 'years?' },
    next: 'next|coming|upcoming',
    last: 'last|past|previous',
    thisOne: 'this',
    after: false,
    ahead: ['in #', '# from now', 'within #'],
    ago: ['# ago', '# back'],
    within: 'in|during|since|until|by|back in|early|late|mid',
  },
  {
    locale: 'de',
    days: { heute: 0, übermorgen: 2, morgen: 1, vorgestern: -2, gestern: -1 },
    units: { day: 'tag(?:en?)?', week: 'wochen?', month: 'monat(?:en?)?', year: 'jahr(?:en?)?' },
    next: 'nächste[nrms]?|kommende[nrms]?',
    last: 'letzte[nrms]?|vorige[nrms]?|vergangene[nrms]?',
    thisOne: 'diese[nrms]?',
    after: false,
    ahead: ['in #'],
    ago: ['vor #'],
    within: 'im|in|seit|bis|ende|anfang|mitte',
  },
  {
    locale: 'es',
    days: { 'pasado mañana': 2, anteayer: -2, antier: -2, hoy: 0, mañana: 1, ayer: -1 },
    units: { day: 'días?', week: 'semanas?', month: 'mes(?:es)?', year: 'años?' },
    next: 'próxim[oa]|que viene',
    last: 'pasad[oa]|últim[oa]',
    thisOne: 'este|esta',
    after: true,
    ahead: ['en #', 'dentro de #'],
    ago: ['hace #'],
    within: 'en|desde|hasta|de',
  },
  {
    locale: 'fr',
    days: { 'après-demain': 2, 'avant-hier': -2, "aujourd'hui": 0, demain: 1, hier: -1 },
    units: { day: 'jours?', week: 'semaines?', month: 'mois', year: 'ans?|années?' },
    next: 'prochaine?',
    last: 'derni(?:er|ère)|passée?',
    thisOne: 'ce|cet|cette',
    after: true,
    ahead: ['dans #'],
    ago: ['il y a #'],
    within: 'en|depuis|de|au mois de',
  },
]

const numbers: Record<string, number> = Object.fromEntries(
  [
    'a an one ein eine einem einer un una une',
    'two couple zwei dos deux',
    'three drei tres trois',
    'four vier cuatro quatre',
    'five fünf cinco cinq',
    'six sechs seis',
    'seven sieben siete sept',
    'eight acht ocho huit',
    'nine neun nueve neuf',
    'ten zehn diez dix',
  ].flatMap((line, i) => line.split(' ').map((word) => [word, i + 1])),
)
const number = `(?:\\d{1,3}|(?:a )?couple(?: of)?|${Object.keys(numbers).join('|')})`

const dayMs = 86_400_000
const day = (year: number, month: number, date: number): Date => new Date(Date.UTC(year, month, date))
const midnight = (at: Date): Date => day(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate())
const plusDays = (at: Date, days: number): Date => new Date(at.getTime() + days * dayMs)
/** Monday is 0. */
const weekdayOf = (at: Date): number => (at.getUTCDay() + 6) % 7

type Span = { from: Date; to: Date; precision: Precision }

function spanOf(precision: Precision, at: Date): Span {
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()]
  if (precision === 'year') return { from: day(year, 0, 1), to: day(year + 1, 0, 1), precision }
  if (precision === 'month') return { from: day(year, month, 1), to: day(year, month + 1, 1), precision }
  const from = precision === 'week' ? plusDays(midnight(at), -weekdayOf(at)) : midnight(at)
  return { from, to: plusDays(from, precision === 'week' ? 7 : 1), precision }
}

function shifted(precision: Precision, at: Date, by: number): Date {
  const [year, month, date] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  if (precision === 'year') return day(year + by, month, date)
  if (precision === 'month') return day(year, month + by, Math.min(date, daysIn(year, month + by)))
  return plusDays(midnight(at), by * (precision === 'week' ? 7 : 1))
}

const daysIn = (year: number, month: number): number => day(year, month + 1, 0).getUTCDate()

/** The names of months and weekdays in a language, as its people write them. */
function calendarOf(locale: string) {
  const name = (options: Intl.DateTimeFormatOptions, at: Date) =>
    new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' }).format(at).toLowerCase()
  const months = Array.from({ length: 12 }, (_, i) => [
    name({ month: 'long' }, day(2024, i, 1)),
    name({ month: 'short' }, day(2024, i, 1)).replace('.', ''),
  ])
  // 1 January 2024 was a Monday.
  const weekdays = Array.from({ length: 7 }, (_, i) => name({ weekday: 'long' }, day(2024, 0, 1 + i)))
  const of = (names: string[][]) => new Map(names.flatMap((row, i) => row.map((word) => [word, i] as const)))
  return { months: of(months), weekdays: of(weekdays.map((word) => [word])) }
}

const words = (names: Iterable<string>): string =>
  [...names].toSorted((a, b) => b.length - a.length).join('|')

type Reader = {
  pattern: RegExp
  read: (groups: Record<string, string>, at: Date, lean: Leaning) => Span | undefined
}

/** A whole word of any script around a pattern; `\b` knows only ASCII. */
const whole = (source: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}])(?:${source})(?![\\p{L}\\p{N}])`, 'giu')

const amount = (text: string): number => {
  const word = text
    .toLowerCase()
    .replace(/^a couple.*$/, 'couple')
    .replace(/ of$/, '')
  return numbers[word] ?? Number(word)
}

function readersOf(language: Words): Reader[] {
  const { months, weekdays } = calendarOf(language.locale)
  const month = `(?<month>${words(months.keys())})\\.?`
  const weekday = `(?<weekday>${words(weekdays.keys())})s?`
  const unit = `(?<unit>${Object.values(language.units).join('|')})`
  const date = '(?<date>\\d{1,2})(?:st|nd|rd|th|\\.|er|º)?'
  const year = '(?<year>(?:19|20)\\d\\d)'
  const within = `(?:${language.within})`
  const precisionOf = (text: string): Precision =>
    (Object.keys(language.units) as Precision[]).find((key) =>
      new RegExp(`^(?:${language.units[key]})$`, 'iu').test(text),
    ) ?? 'day'
  const monthOf = (text: string): number => months.get(text.toLowerCase()) ?? 0
  const weekdayIn = (text: string): number => weekdays.get(text.toLowerCase()) ?? 0

  const dayOfMonth: Reader['read'] = (groups, at, lean) => {
    const date = Number(groups['date'])
    const month = monthOf(groups['month'] ?? '')
    const make = (y: number) =>
      date >= 1 && date <= daysIn(y, month) ? spanOf('day', day(y, month, date)) : undefined
    if (groups['year']) return make(Number(groups['year']))
    const now = at.getUTCFullYear()
    const same = make(now)
    if (!same) return undefined
    if (lean === 'future') return same.to <= at ? make(now + 1) : same
    return same.from > at ? make(now - 1) : same
  }
  const monthAlone: Reader['read'] = (groups, at, lean) => {
    const month = monthOf(groups['month'] ?? '')
    const make = (y: number) => spanOf('month', day(y, month, 1))
    if (groups['year']) return make(Number(groups['year']))
    const same = make(at.getUTCFullYear())
    if (lean === 'future') return same.to <= at ? make(at.getUTCFullYear() + 1) : same
    return same.from > at ? make(at.getUTCFullYear() - 1) : same
  }
  const step =
    (by: number): Reader['read'] =>
    (groups, at, lean) => {
      if (groups['weekday']) return weekdayBy(weekdayIn(groups['weekday']), by, at)
      if (groups['month'])
        return monthAlone({ month: groups['month'] }, at, by > 0 ? 'future' : by < 0 ? 'past' : lean)
      const precision = precisionOf(groups['unit'] ?? '')
      return spanOf(precision, shifted(precision, at, by))
    }
  const around = (modifier: string) =>
    language.after
      ? `(?:(?:el|la|le|l') ?)?(?:${weekday}|${month}|${unit}) (?:${modifier})|(?:el|la|le) (?:${modifier}) (?:${weekday.replace('weekday', 'weekday2')}|${unit.replace('unit', 'unit2')})`
      : `(?:${modifier}) (?:${weekday}|${month}|${unit})`
  const named = (groups: Record<string, string>) => ({
    ...groups,
    ...(groups['weekday2'] ? { weekday: groups['weekday2'] } : {}),
    ...(groups['unit2'] ? { unit: groups['unit2'] } : {}),
  })
  const counted = (templates: string[]) =>
    templates.map((template) => template.replace('#', `(?<count>${number}) ${unit}`))
  const distance =
    (sign: 1 | -1): Reader['read'] =>
    (groups, at) => {
      const precision = precisionOf(groups['unit'] ?? '')
      const there = shifted(precision, at, sign * amount(groups['count'] ?? ''))
      return spanOf(precision === 'week' ? 'day' : precision, there)
    }
  return [
    {
      pattern: whole(`(?<!guten )(?<words>${words(Object.keys(language.days))})`),
      read: (groups, at) =>
        spanOf('day', plusDays(at, language.days[(groups['words'] ?? '').toLowerCase()] ?? 0)),
    },
    ...counted(language.ahead).map((source) => ({ pattern: whole(source), read: distance(1) })),
    ...counted(language.ago).map((source) => ({ pattern: whole(source), read: distance(-1) })),
    { pattern: whole(`${date} (?:de |of )?${month}(?:,? (?:de |del )?${year})?`), read: dayOfMonth },
    ...(language.locale === 'en'
      ? [{ pattern: whole(`${month} ${date}(?!\\d)(?:,? ${year})?`), read: dayOfMonth }]
      : []),
    { pattern: whole(around(language.next)), read: (groups, at, lean) => step(1)(named(groups), at, lean) },
    { pattern: whole(around(language.last)), read: (groups, at, lean) => step(-1)(named(groups), at, lean) },
    { pattern: whole(`(?:${language.thisOne}) (?:${weekday}|${unit})`), read: step(0) },
    { pattern: whole(`${month},? (?:de )?${year}`), read: monthAlone },
    { pattern: whole(`${within} ${month}`), read: monthAlone },
    {
      pattern: whole(`${within} ${year}`),
      read: (groups) => spanOf('year', day(Number(groups['year']), 0, 1)),
    },
    {
      pattern: whole(weekday),
      read: (groups, at, lean) => {
        const distance = (weekdayIn(groups['weekday'] ?? '') - weekdayOf(at) + 7) % 7
        return spanOf('day', plusDays(at, lean === 'future' ? distance : distance === 0 ? 0 : distance - 7))
      },
    },
  ]
}

/** `next` is that of the next calendar week, `last` the latest before today, `this` that of this week. */
function weekdayBy(weekday: number, by: number, at: Date): Span {
  const inWeek = plusDays(midnight(at), weekday - weekdayOf(at))
  if (by === 1) return spanOf('day', plusDays(inWeek, 7))
  if (by === -1) return spanOf('day', inWeek < midnight(at) ? inWeek : plusDays(inWeek, -7))
  return spanOf('day', inWeek)
}

const numeric: Reader[] = [
  {
    pattern: /(?<![\d-])(?<year>(?:19|20)\d\d)-(?<month>\d\d)-(?<date>\d\d)(?!\d)/gu,
    read: (groups) => numericDay(groups),
  },
  {
    pattern: /(?<![\d.])(?<date>\d{1,2})\.\s?(?<month>\d{1,2})\.\s?(?<year>(?:19|20)\d\d)(?!\d)/gu,
    read: (groups) => numericDay(groups),
  },
]

function numericDay(groups: Record<string, string>): Span | undefined {
  const [year, month, date] = [groups['year'], groups['month'], groups['date']].map(Number) as [
    number,
    number,
    number,
  ]
  if (month < 1 || month > 12 || date < 1 || date > daysIn(year, month - 1)) return undefined
  return spanOf('day', day(year, month - 1, date))
}

const readers = [...numeric, ...languages.flatMap(readersOf)]

/** Finds what a text says of time; where several readings overlap, the longest counts. */
export function datesIn(text: string, at: Date, lean: Leaning): DatedExpression[] {
  const found: DatedExpression[] = []
  for (const { pattern, read } of readers) {
    for (const match of text.matchAll(pattern)) {
      const span = read({ ...match.groups }, at, lean)
      if (span) found.push({ start: match.index, end: match.index + match[0].length, ...span })
    }
  }
  const kept: DatedExpression[] = []
  for (const one of found.toSorted((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start)) {
    if (!kept.some((other) => one.start < other.end && other.start < one.end)) kept.push(one)
  }
  return kept.toSorted((a, b) => a.start - b.start)
}
