import type { FastifyRequest } from 'fastify'
import { defineError } from '../errors.ts'

const invalidIdempotencyKey = defineError(
  400,
  'invalid_idempotency_key',
  () => 'An Idempotency-Key has 1 to 200 printable ASCII characters.',
)

/** Returns the Idempotency-Key of a request. @throws 400 for an invalid one */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !/^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/.test(key))
    throw invalidIdempotencyKey()
  return key
}
