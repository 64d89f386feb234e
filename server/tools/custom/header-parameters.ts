import { badArguments } from '../errors.ts'

export const maxHeaderParameters = 10
const maxNameCharacters = 64
const maxValueCharacters = 1_000

/**
 * Parts of the names of headers that a model must not set: those of authentication, the connection (RFC 9110, section
 * 7.6.1), the body and the origin, and those that override the method.
 */
const reservedParts =
  'auth cookie credential password secret session signature token apikey method forwarded rewrite original'.split(
    ' ',
  )
const reservedStarts = 'content- keep-alive proxy- sec- transfer- x-real'.split(' ')
const reservedNames = new Set(
  'accept accept-encoding connection expect host max-forwards origin referer te trailer upgrade via'.split(
    ' ',
  ),
)
const keys = /(?:^|-)key$/

function isReserved(name: string): boolean {
  return (
    reservedNames.has(name) ||
    reservedParts.some((part) => name.includes(part)) ||
    reservedStarts.some((start) => name.startsWith(start)) ||
    (keys.test(name) && name !== 'idempotency-key')
  )
}

/** Whether a model may fill a header parameter with this name. */
export const isHeaderParameter = (name: string): boolean =>
  name.length <= maxNameCharacters && /^[A-Za-z0-9_-]+$/.test(name) && !isReserved(name.toLowerCase())

/** Returns the headers from the model, without those that the owner has set. @throws invalid_arguments */
export function headersOf(
  names: string[],
  given: Record<string, unknown>,
  ofOwner: Record<string, string>,
): Record<string, string> {
  const taken = new Set(Object.keys(ofOwner).map((name) => name.toLowerCase()))
  const filled = names.filter((name) => given[name] !== undefined && !taken.has(name.toLowerCase()))
  return Object.fromEntries(
    filled.map((name) => {
      const value = given[name]
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      if (text.length > maxValueCharacters || !/^[\x20-\x7e]*$/.test(text))
        throw badArguments(`${name} must be at most ${maxValueCharacters} printable ASCII characters`)
      return [name.toLowerCase(), text]
    }),
  )
}
