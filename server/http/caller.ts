import type { FastifyRequest } from 'fastify'
import type { Access, Scope } from '../../contract/operation.ts'
import { defineError } from '../errors.ts'

/** The authenticated user of a request. */
export type Caller = {
  userId: string
  isAdmin: boolean
  /** The only avee that the caller's API key gives access to, or null for all. */
  aveeId: string | null
  /** The scopes of the caller's API key; other callers have all scopes. */
  scopes?: readonly Scope[]
  /** visitor: has no account, and access to the avee `aveeId` only. */
  via: 'personal' | 'session' | 'api_key' | 'visitor'
  /** True for the first minutes of a session. */
  hasJustSignedIn?: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined
  }
  interface FastifyContextConfig {
    /** Who may use the route; `user` by default. */
    access?: Access
  }
}

export const notSignedIn = defineError(401, 'not_signed_in', () => 'Sign in first, or send a valid token.')

/** Returns the caller of a route whose access is `user` or `admin`. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw notSignedIn()
  return request.caller
}

const sessionRequired = defineError(
  403,
  'api_key_not_enough',
  () => 'API keys cannot manage accounts, keys or administrators. Sign in instead.',
)

/** Returns the caller of a route that manages accounts, keys or administrators, which API keys cannot do. */
export function sessionCallerOf(request: FastifyRequest): Caller {
  const caller = callerOf(request)
  if (caller.via === 'api_key') throw sessionRequired()
  return caller
}
