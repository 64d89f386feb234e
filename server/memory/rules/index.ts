import { type Clause, ownClauses } from './clauses.ts'
import { type DatedExpression, datesIn } from './dates.ts'
import { english } from './english.ts'
import { german } from './german.ts'
import { romance } from './romance.ts'
import type { Found, Rule, RuleSet } from './rule.ts'
import { holdsSecret } from './secrets.ts'
import type { Statement } from './statements.ts'

const ruleSets: RuleSet[] = [english, german, ...romance]

/** ISO 639-3 codes of the languages whose statements about oneself are read by rules; in others nothing is learned without a model. */
export const ruleLanguages: string[] = ruleSets.map((set) => set.language)

const usualConfidence = 0.8
/** Somebody asked for it to be remembered. */
const askedFor =
  /remember|keep in mind|don't forget|merk dir|denk daran|vergiss nicht|recuerda|ten en cuenta|no olvides|souviens-toi|n'oublie/iu
const askedForConfidence = 0.95
const greeting = /^(?:hi|hello|hey|hiya|good (?:morning|evening|afternoon))\b/iu
const longestValue = { characters: 60, words: 8 }
const longestContent = 240
const most = 20

/**
 * What a message states about its author, by rules and without a model: the exact words, where they stand, and what
 * slot they fill. Times are resolved against the moment it was written. Texts with a secret in them are left out.
 */
export function readStatements(message: string, writtenAt: Date): Statement[] {
  const found: Statement[] = []
  const clauses = ownClauses(message)
  for (const [i, clause] of clauses.entries()) {
    if (holdsSecret(clause.text)) continue
    const greeted = i === 0 || greeting.test(clauses[0]?.text ?? '')
    for (const set of ruleSets) {
      const statements = inClause(clause, set, writtenAt, greeted && i <= 1)
      found.push(...statements)
      // A clause is of one language.
      if (statements.length > 0) break
    }
  }
  return found.slice(0, most)
}

function inClause(clause: Clause, set: RuleSet, writtenAt: Date, greeted: boolean): Statement[] {
  const filler = set.filler.exec(clause.text)?.[0] ?? ''
  const text = clause.text.slice(filler.length)
  if (set.unreal.test(text)) return []
  const place = {
    start: clause.start + filler.length,
    end: clause.start + filler.length + withoutEnd(text).length,
  }
  const wasAsked = askedFor.test(filler)
  const statements = new Map<string, Statement>()
  const add = (found: Found, content: string, dates: DatedExpression[]) => {
    const statement = statementOf(
      found,
      content,
      dates,
      writtenAt,
      { ...place, language: set.language },
      wasAsked,
    )
    const key = `${statement.subject} ${statement.attribute} ${statement.type === 'relationship' ? statement.value : ''}`
    if (!statements.has(key)) statements.set(key, statement)
  }
  const hasGreeted = greeted || greeting.test(filler)
  for (const rule of set.rules) {
    const match = rule.pattern.exec(text)
    if (!match) continue
    for (const { raw, value, content } of valuesOf(match, rule, set, text)) {
      const made = rule.make({ ...match.groups, all: text, raw, v: value, greeted: hasGreeted ? 'yes' : '' })
      if (made) add(made, content, datesIn(text, writtenAt, made.lean ?? 'past'))
    }
  }
  if (![...statements.values()].some((one) => one.type === 'fact')) {
    const event = eventIn(text, set, writtenAt)
    if (event) add(event.found, withoutEnd(text), event.dates)
  }
  return [...statements.values()]
}

/** Whether a stretch of a message is something that its author says as so: no question, condition, quotation or task. */
export function isStated(message: string, start: number, end: number): boolean {
  const clauses = ownClauses(message).filter(
    (clause) => !ruleSets.some((set) => set.unreal.test(clause.text)),
  )
  const covered = clauses.reduce(
    (sum, clause) =>
      sum + Math.max(0, Math.min(end, clause.start + clause.text.length) - Math.max(start, clause.start)),
    0,
  )
  return covered * 2 > end - start
}

const withoutEnd = (text: string): string => text.replace(/[\s.,;:!…)]+$/u, '')

/** The values of a match without what says when or why, each with the clause that states it alone; none where a word only points elsewhere. */
function valuesOf(
  match: RegExpExecArray,
  rule: Rule,
  set: RuleSet,
  text: string,
): { raw: string; value: string; content: string }[] {
  const raw = match.groups?.['v']
  // Somebody who is only mentioned is remembered without the rest of the clause.
  const whole = match.groups?.['brief']?.replace(/['’]s$/u, '') ?? withoutEnd(text)
  if (raw === undefined) return [{ raw: '', value: '', content: whole }]
  const parts = rule.list ? listed(raw) : [raw]
  return parts.flatMap((part) => {
    const cut = withoutEnd(part.replace(set.tail, ''))
    const value = cut.replace(set.article, '').trim()
    if (value === '' || set.empty.test(value) || set.empty.test(cut)) return []
    if (value.length > longestValue.characters || value.split(/\s+/).length > longestValue.words) return []
    const content = parts.length > 1 ? `${text.slice(0, text.indexOf(raw))}${cut}` : whole
    return [{ raw: part, value, content }]
  })
}

/** "hiking, chess and tea" as three; anything longer is one. */
function listed(raw: string): string[] {
  const parts = raw.split(/\s*,\s*(?:and |und |y |et )?|\s+(?:and|und|y|et|&)\s+/u).map((part) => part.trim())
  return parts.length > 1 && parts.every((part) => part !== '' && part.split(/\s+/).length <= 3)
    ? parts
    : [raw]
}

/** "I took it", "we went there": what happened is said elsewhere. */
const beginsUnsaid = /^\p{L}+ \p{L}+ (?:it|them|this|that|these|those|there)(?![\p{L}])/iu

function eventIn(
  text: string,
  set: RuleSet,
  writtenAt: Date,
): { found: Found; dates: DatedExpression[] } | undefined {
  const { pattern, past, thing } = set.event
  const named = thing.exec(text)?.groups?.['v']
  const lean = past.test(text) ? 'past' : 'future'
  const dates = datesIn(text, writtenAt, lean)
  if (dates.length === 0) return undefined
  if (named !== undefined)
    return {
      found: {
        type: 'event',
        attribute: `appointment ${named.toLowerCase()}`,
        value: dayOf(dates[0]),
        importance: 0.6,
      },
      dates,
    }
  const [date] = dates
  const what = withoutEnd(text.slice(0, date?.start) + text.slice(date?.end))
    .replace(/\s+/gu, ' ')
    .replace(/^(?:[\s,]|(?:on|at|in|by|since|am|im|um|seit|el|la|en|le|the)(?= |,))+/iu, '')
    .trim()
    .toLowerCase()
  if (!pattern.test(what) || beginsUnsaid.test(what)) return undefined
  return { found: { type: 'event', attribute: `event ${what}`, value: dayOf(date), importance: 0.55 }, dates }
}

const dayOf = (date: DatedExpression | undefined): string => date?.from.toISOString().slice(0, 10) ?? ''

/** Places whose time matters: of these a date says since when. */
const dated = new Set(['residence', 'employer', 'occupation', 'study', 'marital_status', 'diet', 'health'])

function statementOf(
  found: Found,
  content: string,
  dates: DatedExpression[],
  writtenAt: Date,
  place: { start: number; end: number; language: string },
  wasAsked: boolean,
): Statement {
  const holds = found.holds ?? 'holds'
  const date =
    found.type === 'event' || holds === 'ended' || dated.has(found.attribute) ? dates[0] : undefined
  return {
    type: found.type,
    content: contentOf(content, dates),
    subject: found.subject ?? 'self',
    attribute: found.attribute.trim().toLowerCase(),
    value: found.value.trim().toLowerCase(),
    holds,
    confidence: wasAsked ? askedForConfidence : (found.confidence ?? usualConfidence),
    importance: Math.min(1, (found.importance ?? 0.5) + (wasAsked ? 0.15 : 0)),
    validFrom: holds === 'holds' ? (date?.from ?? null) : null,
    validUntil: holds === 'ended' ? (date?.from ?? writtenAt) : null,
    ...place,
  }
}

/** The words of the person, with the day that "next Tuesday" was. */
function contentOf(text: string, dates: DatedExpression[]): string {
  const clipped = text.length > longestContent ? `${text.slice(0, longestContent - 1)}…` : text
  const first = clipped.charAt(0).toLocaleUpperCase() + clipped.slice(1)
  const relative = dates.find((date) => !/\d{4}/.test(text.slice(date.start, date.end)))
  if (!relative) return first
  const day = relative.from.toISOString()
  const precise = {
    day: day.slice(0, 10),
    week: `week of ${day.slice(0, 10)}`,
    month: day.slice(0, 7),
    year: day.slice(0, 4),
  }
  return `${first} (${precise[relative.precision]})`
}
