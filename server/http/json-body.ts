import type { FastifyInstance } from 'fastify'
import { defineError } from '../errors.ts'

/** Requests have only a few levels. Parsing two million nested arrays blocks the event loop for 0.8 s. */
const maxDepth = 100

const tooDeep = defineError(
  400,
  'malformed_json',
  () => `The body has more than ${maxDepth} levels of nesting.`,
)

/**
 * Makes JSON the only body that routes accept by default. An empty body counts as none. With `*` as the type, every body
 * is read as JSON.
 */
export function acceptJson(app: FastifyInstance, type: 'application/json' | '*' = 'application/json'): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(type, { parseAs: 'string' }, (request, body, done) => {
    const json = body as string
    if (json === '') done(null, undefined)
    else if (exceedsDepth(json, maxDepth)) done(tooDeep())
    else void parse(request, withoutNul(json), done)
  })
}

/** Returns whether JSON has more nested arrays and objects than `max`, in linear time. */
export function exceedsDepth(json: string, max: number): boolean {
  let depth = 0
  let isInString = false
  for (let i = 0; i < json.length; i += 1) {
    const character = json[i]
    if (character === '"') isInString = !isInString
    else if (isInString) i += character === '\\' ? 1 : 0
    else if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') depth -= 1
    if (depth > max) return true
  }
  return false
}

/** Removes the character NUL, which text copied from files may contain and PostgreSQL does not store. */
const withoutNul = (json: string): string =>
  json.includes('\\u0000') ? json.replace(/(?<!\\)((?:\\\\)*)\\u0000/g, '$1') : json
