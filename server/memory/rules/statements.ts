import type { MemoryType } from '../../../contract/memory.ts'

/** What a message says about its author, before it is compared with what is remembered. */
export type Statement = {
  type: MemoryType
  /** A short text in the words of the person. */
  content: string
  /** Of whom: `self`, or somebody or something by what they are to the person: `sister ana`. */
  subject: string
  /** What of them, in words that every language shares: `residence`, `likes coffee`. */
  attribute: string
  value: string
  /** holds: is so. ended: was so and is no more. denied: is not so, whatever was thought. */
  holds: 'holds' | 'ended' | 'denied'
  confidence: number
  importance: number
  validFrom: Date | null
  validUntil: Date | null
  /** ISO 639-3, as far as it is known. */
  language: string | null
  /** Where in the message it stands. */
  start: number
  end: number
}

/** Attributes of which somebody has one at a time: a new value takes the place of the old. */
const single = new Set(
  `name nickname pronouns age birthday birth_year residence origin employer occupation study marital_status diet
  nationality religion timezone height weight car editor operating_system phone_model answer_language handedness`.split(
    /\s+/,
  ),
)
/** The same for attributes that name their object; children, siblings and pets may be several. */
const singlePrefix =
  /^(?:likes|favourite|count|drinks|eats|appointment|relation (?:wife|husband|spouse|partner|mother|father|girlfriend|boyfriend|fiance|boss|best_friend)) ?/

/** Whether two values of this attribute exclude each other. */
export const excludes = (attribute: string): boolean => single.has(attribute) || singlePrefix.test(attribute)
