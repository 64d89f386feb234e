import type * as z from 'zod/mini'
import { type AppError, defineError } from '../errors.ts'

/** A field of a request and what is wrong with it. */
type FieldProblem = { path: string; problem: string }

const notFound = defineError(404, 'not_found', () => 'Not found: the id in the path is not valid.')
const invalidFields = defineError(422, 'invalid_fields', sentenceFor, (problems) => problems)

const missing = 'is missing'

/**
 * Returns the error for a part of a request that its schema rejects. An invalid path parameter matches no object and is
 * therefore 404.
 */
export function invalidRequest(part: string, issues: readonly z.core.$ZodIssue[]): AppError {
  if (part === 'params') return notFound()
  const problems = new Map<string, FieldProblem>()
  for (const { path: keys, message } of issues) {
    const path = keys.join('.')
    // One problem per field, because the others usually follow from the first.
    if (!problems.has(path))
      problems.set(path, { path, problem: path === '' ? `The ${nameOf(part)} ${message}.` : message })
  }
  return invalidFields([...problems.values()])
}

const nameOf = (part: string) => (part === 'querystring' ? 'query' : part)

function sentenceFor([first, ...more]: FieldProblem[]): string {
  if (!first) return 'A field is invalid.'
  const { path, problem } = first
  const sentence = isSentence(problem) ? problem : `The field ${path} ${problem}.`
  if (more.length === 0) return sentence
  return `${sentence} ${more.length} more ${more.length === 1 ? 'field is' : 'fields are'} invalid.`
}

/** Whether a message is a full sentence of a contract schema. */
const isSentence = (problem: string) => /[.!?]$/.test(problem)

/** Describes a validation issue as the end of a sentence that begins with the name of the field. */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined || issue.input === null
        ? missing
        : `must be ${typeName(issue.expected)}`
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty'
      return `must ${measure(issue.origin)} at least ${quantity(issue.minimum, issue.origin)}`
    case 'too_big':
      if (issue.maximum === 0) return 'is not supported; leave it out'
      return `must ${measure(issue.origin)} at most ${quantity(issue.maximum, issue.origin)}`
    case 'invalid_format':
      return formats[issue.format] ?? 'has an invalid format'
    case 'invalid_value':
      if ((issue as { expected?: string }).expected === 'stringbool') return `must be ${typeName('boolean')}`
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(', ')}`
    case 'invalid_union':
      return [...new Set(issue.errors.flat().map(({ message }) => message))].join(' or ') || 'is invalid'
    case 'unrecognized_keys':
      return `has unknown members: ${issue.keys.join(', ')}`
    default:
      return 'is invalid'
  }
}

const typeNames: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}
const typeName = (expected: string) => typeNames[expected] ?? `of type ${expected}`

const formats: Record<string, string> = {
  email: 'must be an e-mail address',
  uuid: 'must be a UUID',
  url: 'must be an http or https URL',
  date: 'must be a date like 2026-01-31',
  datetime: 'must be an ISO 8601 timestamp in UTC, such as 2026-01-31T12:00:00Z',
}

const measure = (origin: string) => (origin === 'string' || origin === 'array' ? 'have' : 'be')

function quantity(limit: number | bigint, origin: string): string {
  const unit = { string: 'character', array: 'item' }[origin]
  if (unit === undefined) return String(limit)
  return `${limit.toLocaleString('en')} ${unit}${limit === 1 ? '' : 's'}`
}
