import { stemmedWords } from '../terms.ts'

/** Two statements with the same slot repeat or contradict each other, depending on their values. */
export type Slot = { subject: string; attribute: string; value: string }

/** Attributes that have one value at a time: a new value supersedes the old one. The instruction of `ask-model.ts` names them. */
const singleValued = new Set(
  `name nickname pronouns age birthday residence origin employer occupation study marital_status diet nationality
  religion timezone`.split(/\s+/),
)
/** The same, for attributes that name their object, because a person may have several siblings, children and pets. */
const singleValuedWithObject =
  /^(?:likes|favou?rite|drinks|eats|allergy) |^relation (?:wife|husband|spouse|partner|mother|father|girlfriend|boyfriend|boss)$/
/** The attribute of a text in the user's own words. Such texts never contradict each other. */
export const noteAttribute = 'note'

const isSingleValued = (attribute: string): boolean =>
  singleValued.has(attribute) || singleValuedWithObject.test(attribute)

/**
 * Returns the slot in the form in which slots are compared. Subject and attribute are English and are stemmed; a value
 * is only folded, since the language of a short message is uncertain and would change its stems.
 */
export async function normalizeSlot(slot: Slot): Promise<Slot> {
  const [kind = '', ...objectWords] = slot.attribute.replaceAll(':', ' ').split(/\s+/)
  const [object, value, subject] = await Promise.all([
    stemmedWords(objectWords.join(' '), 'eng'),
    stemmedWords(slot.value, null),
    stemmedWords(slot.subject, 'eng'),
  ])
  return {
    subject: slot.subject === 'self' || slot.subject === 'user' ? 'self' : subject.join(' '),
    attribute: [kind, ...object].join(' '),
    value: value.length > 0 ? value.join(' ') : slot.value,
  }
}

const wordsOf = (text: string): Set<string> => new Set(text.split(' ').filter((word) => word !== ''))

/**
 * Compares a known slot with a stated one. `same`: the statement adds nothing ("Berlin" after "Berlin, Kreuzberg");
 * `refined`: it adds detail; `contradicted`: the values exclude each other; `unrelated`: both can be true.
 */
export function compareSlots(known: Slot, stated: Slot): 'same' | 'refined' | 'contradicted' | 'unrelated' {
  if (known.subject !== stated.subject || known.attribute !== stated.attribute) return 'unrelated'
  if (known.value === stated.value) return 'same'
  const [before, after] = [wordsOf(known.value), wordsOf(stated.value)]
  if (stated.attribute !== noteAttribute && !/^\d|^(?:yes|no)$/.test(stated.value)) {
    if (after.size > 0 && after.isSubsetOf(before)) return 'same'
    if (before.size > 0 && before.isSubsetOf(after)) return 'refined'
  }
  return isSingleValued(stated.attribute) ? 'contradicted' : 'unrelated'
}
