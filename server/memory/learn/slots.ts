import type { Statement } from '../rules/statements.ts'
import { excludes } from '../rules/statements.ts'
import { formsOf } from '../words.ts'

/** What of a statement decides whether it is the same as, or against, another one. */
export type Slot = { subject: string; attribute: string; value: string }

/** The slot in the form in which slots are compared: words stemmed, without articles, marks and case. */
export async function slotOf(
  statement: Pick<Statement, 'subject' | 'attribute' | 'value' | 'language'>,
): Promise<Slot> {
  const [kind = '', ...more] = statement.attribute.split(' ')
  const [object, value, subject] = await Promise.all([
    formsOf(more.join(' '), statement.language),
    formsOf(statement.value, statement.language),
    formsOf(statement.subject, statement.language),
  ])
  return {
    subject: statement.subject === 'self' ? 'self' : subject.join(' '),
    attribute: [kind, ...object].join(' '),
    value: value.length > 0 ? value.join(' ') : statement.value,
  }
}

const wordsOf = (text: string): Set<string> => new Set(text.split(' ').filter((word) => word !== ''))

/** `same` also where the new one says no more than the old: "in Berlin" after "in Berlin, Kreuzberg". `finer`: where it says more. */
export function compare(known: Slot, told: Slot): 'same' | 'finer' | 'against' | 'beside' {
  if (known.subject !== told.subject || known.attribute !== told.attribute) return 'beside'
  if (known.value === told.value) return 'same'
  const [old, fresh] = [wordsOf(known.value), wordsOf(told.value)]
  if (old.size > 0 && fresh.size > 0 && !/^\d|^(?:yes|no)$/.test(told.value)) {
    if (fresh.isSubsetOf(old)) return 'same'
    if (old.isSubsetOf(fresh)) return 'finer'
  }
  return excludes(told.attribute) ? 'against' : 'beside'
}
