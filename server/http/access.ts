import type { FastifyRequest } from 'fastify'
import { type Access, type Scope, scopesOf } from '../../contract/operation.ts'
import { defineError } from '../errors.ts'
import { type Caller, notSignedIn } from './caller.ts'
import type { OriginCheck } from './origin.ts'
import { sessionCookie, visitorToken } from './session-cookie.ts'

/** How requests are authenticated; the accounts module implements it. */
export type Identity = {
  /** personal: requests from the machine itself act as the owner. Called for every request, so it must be fast. */
  mode(): Promise<'personal' | 'accounts'>
  /** The caller in personal mode. */
  owner(): Promise<Caller>
  /** The user of a session token or API key; undefined if it is unknown, expired or revoked. */
  byToken(token: string, ip: string): Promise<Caller | undefined>
  /** The visitor with this token, while the avee is open to visitors; otherwise undefined. */
  visitor(token: string): Promise<Caller | undefined>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The session token or API key that authenticated the caller. */
    token: string | undefined
    /** True if a page of another origin sent the request; it gets no cookie. */
    isFromOtherOrigin: boolean
  }
}

const invalidToken = defineError(
  401,
  'not_signed_in',
  () => 'The token is invalid or has expired. Sign in again, or create a new API key.',
)
const adminsOnly = defineError(403, 'admins_only', () => 'Only administrators can do this.')
const scopeMissing = defineError(
  403,
  'scope_missing',
  (scopes: readonly Scope[]) =>
    `This API key lacks the scope ${scopes.map((scope) => `"${scope}"`).join(' or ')}. Create one that has it.`,
)
const crossSite = defineError(
  403,
  'cross_site',
  () =>
    'The request came from another website and was blocked. Add its origin to ALLOWED_ORIGINS to allow it.',
)
const unknownHost = defineError(
  403,
  'host_not_expected',
  () => 'The host name is unknown to the server. Use localhost, or set PUBLIC_URL to the address in use.',
)

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Returns the hook that authenticates and authorizes every request. The first line that applies decides:
 *
 *   bearer token ─────────────────────────────► its user, or 401
 *   page of another origin, unsafe method ────► 403 unless the origin is allowed
 *   header X-Visitor, route open to visitors ─► the visitor of one avee, or 401
 *   page of another origin, safe method ──────► anonymous: neither the cookie nor personal mode applies
 *   cookie ───────────────────────────────────► its user
 *   personal mode, unknown Host ──────────────► 403
 *   personal mode, from the machine itself ───► the owner
 *   route open to visitors, visitor cookie ───► the visitor of one avee
 */
export function createAccessCheck(identity: Identity, origins: OriginCheck) {
  async function identify(request: FastifyRequest, access: Access): Promise<Caller | undefined> {
    const bearer = bearerToken(request.headers.authorization)
    if (bearer !== undefined) {
      request.token = bearer
      return await identity.byToken(bearer, request.ip)
    }
    const isSameOrigin = !request.isFromOtherOrigin
    if (!isSameOrigin && !safeMethods.has(request.method) && !origins.isAllowedOrigin(request))
      throw crossSite()

    const visitor = access === 'visitor' ? visitorToken(request) : undefined
    // A page that sends this header is embedded and must not show data of a signed-in user.
    if (visitor !== undefined && request.headers['x-visitor'] !== undefined)
      return await identity.visitor(visitor)

    const cookie = request.cookies[sessionCookie]
    if (isSameOrigin && cookie) {
      const caller = await identity.byToken(cookie, request.ip)
      if (caller) {
        request.token = cookie
        return caller
      }
    }
    if ((await identity.mode()) === 'personal') {
      if (!origins.isHostExpected(request)) throw unknownHost()
      if (isSameOrigin && origins.isFromThisMachine(request)) return await identity.owner()
    }
    return visitor === undefined ? undefined : await identity.visitor(visitor)
  }

  return async (request: FastifyRequest): Promise<void> => {
    const { config } = request.routeOptions
    // The page is the same for everyone and must load even if the database is unavailable.
    if (config.skipsAuthentication || request.is404) return
    const access = config.access ?? 'user'
    request.isFromOtherOrigin = origins.isFromOtherOrigin(request)
    request.caller = await identify(request, access)

    if (access === 'public') return
    if (!request.caller) throw request.token === undefined ? notSignedIn() : invalidToken()
    if (access === 'admin' && !request.caller.isAdmin) throw adminsOnly()
    assertScope(request.caller, scopesOf(config.operation ?? { method: 'GET' }))
  }
}

/** @throws scope_missing if the caller has none of these scopes */
export function assertScope(caller: Caller, scopes: readonly Scope[]): void {
  if (caller.scopes && !scopes.some((scope) => caller.scopes?.includes(scope))) throw scopeMissing(scopes)
}

/** Returns the token of an Authorization header, or undefined. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1]
}
