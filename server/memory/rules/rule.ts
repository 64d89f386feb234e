import type { Statement } from './statements.ts'

/** What a rule makes of its match; what it leaves out is as usual for its kind. */
export type Found = Pick<Statement, 'type' | 'attribute' | 'value'> & {
  subject?: string
  holds?: Statement['holds']
  importance?: number
  confidence?: number
  /** The statement happened or will happen: dates lean this way. */
  lean?: 'past' | 'future'
}

/**
 * One way in which people say something of themselves. The pattern is matched at the beginning of a clause without its
 * filling words; `v` and other groups are what it takes from there. Undefined: it is something else after all.
 */
export type Rule = {
  pattern: RegExp
  /** The value may be several: "hiking, chess and tea". */
  list?: boolean
  make: (groups: Record<string, string>) => Found | undefined
}

/** A language's rules. */
export type RuleSet = {
  /** ISO 639-3 */
  language: string
  /** Words that open a clause and say nothing. */
  filler: RegExp
  /** Where a value ends: what follows says when, why, with whom. */
  tail: RegExp
  /** Articles and the like in front of a value. */
  article: RegExp
  /** Words that stand for something said elsewhere, as the whole value or at its beginning. */
  empty: RegExp
  /** Beginnings of clauses that would hold under other circumstances only. */
  unreal: RegExp
  rules: Rule[]
  /** A clause whose own subject does or did something at a time.; `thing` (group `v`) is one that has its day: "my interview is on Friday". */
  event: { pattern: RegExp; past: RegExp; thing: RegExp }
}

const letters = "\\p{L}\\p{M}\\p{N}'’.&+#/-"
/** One to four words that begin with a capital. */
export const properName = `(?<v>\\p{Lu}[${letters}]*(?: (?:(?:de|da|del|van|von|der|di|la|le|of) )?\\p{Lu}[${letters}]*){0,3})`
/** Anything to the end of the clause; the tail is taken off afterwards. */
export const rest = '(?<v>.{2,160}?)[\\s.!,;…)]*$'

/** A pattern of clauses; capital letters count. */
export const clause = (source: string): RegExp => new RegExp(`^(?:${source})`, 'u')
/** The same for those whose first letter may be either; `I` stays itself. */
export const anyCase = (source: string): RegExp => new RegExp(`^(?:${source})`, 'iu')
