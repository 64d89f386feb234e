import type { FastifyRequest } from 'fastify'
import { defineError } from '../errors.ts'

/** Who is asking. */
export type Caller = {
  userId: string
  isAdmin: boolean
  /** Set when an API key is bound to this one avee: nothing else is the caller's to see. */
  aveeId: string | null
  via: 'personal' | 'session' | 'api_key'
}

/** public: anyone. user (when a route says nothing): somebody known. admin: who runs this server. */
export type Access = 'public' | 'user' | 'admin'

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined
  }
  interface FastifyContextConfig {
    access?: Access
  }
}

export const notSignedIn = defineError(401, 'not_signed_in', () => 'Sign in first: this needs a valid token.')

/** The caller of a route whose access is `user` or `admin`. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw notSignedIn()
  return request.caller
}

const keyNotEnough = defineError(
  403,
  'api_key_not_enough',
  () => 'An API key cannot do this: accounts and keys are managed by people who are signed in.',
)

/** The caller of a route that manages accounts, keys or administrators: a person, never a program with an API key. */
export function sessionCallerOf(request: FastifyRequest): Caller {
  const caller = callerOf(request)
  if (caller.via === 'api_key') throw keyNotEnough()
  return caller
}
