import type { FastifyRequest } from 'fastify'
import { defineError } from '../errors.ts'
import { type Caller, notSignedIn } from './caller.ts'
import type { OriginCheck } from './origin.ts'
import { sessionCookie } from './session-cookie.ts'

/** How a server knows people; the accounts room answers. */
export type Identity = {
  /** personal: requests from this machine act as the owner with no login. Asked on every request, so it must be cheap. */
  mode(): Promise<'personal' | 'accounts'>
  /** Who acts in personal mode. */
  owner(): Promise<Caller>
  /** Whose session token or API key this is; undefined when it is unknown, expired or revoked. */
  byToken(token: string): Promise<Caller | undefined>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The session token or API key that made the caller known. */
    token: string | undefined
    /** True when a page of another origin sent the request: such a page gets no cookie. */
    isFromOtherOrigin: boolean
  }
}

const badToken = defineError(
  401,
  'not_signed_in',
  () => 'This token is not valid, or no longer: sign in again, or make a new API key.',
)
const adminsOnly = defineError(403, 'admins_only', () => 'Only an administrator of this server may do this.')
const crossSite = defineError(
  403,
  'cross_site',
  () =>
    'Another web site sent this request, so it was not carried out. Add its origin to ALLOWED_ORIGINS if it may.',
)
const hostNotExpected = defineError(
  403,
  'host_not_expected',
  () =>
    'The server was reached by a name that it does not know as its own. Use localhost, or set PUBLIC_URL to the address in use.',
)

const changesNothing = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * The check before every route: who is asking, and may they.
 *
 *   Bearer token ──────────────────────────────► its user, or 401
 *   no token, from a page of another origin ───► 403 when it changes something and the origin is not allowed;
 *                                                otherwise nobody: neither cookie nor this machine count for it
 *   cookie ────────────────────────────────────► its user
 *   personal mode, odd Host ───────────────────► 403
 *   personal mode, from this machine ──────────► the owner
 */
export function createAccessCheck(identity: Identity, origins: OriginCheck) {
  async function identify(request: FastifyRequest): Promise<Caller | undefined> {
    const bearer = bearerToken(request.headers.authorization)
    if (bearer !== undefined) {
      request.token = bearer
      return await identity.byToken(bearer)
    }
    const ownPage = !request.isFromOtherOrigin
    if (!ownPage && !changesNothing.has(request.method) && !origins.isAllowedOrigin(request))
      throw crossSite()

    const cookie = request.cookies[sessionCookie]
    if (ownPage && cookie) {
      const caller = await identity.byToken(cookie)
      if (caller) {
        request.token = cookie
        return caller
      }
    }
    if ((await identity.mode()) === 'accounts') return undefined
    if (!origins.isHostExpected(request)) throw hostNotExpected()
    return ownPage && origins.isFromThisMachine(request) ? await identity.owner() : undefined
  }

  return async (request: FastifyRequest): Promise<void> => {
    const { config } = request.routeOptions
    // The page is the same for everybody, and loads even when nobody can be looked up.
    if (config.skipsAuthentication || request.is404) return
    const access = config.access ?? 'user'
    request.isFromOtherOrigin = origins.isFromOtherOrigin(request)
    request.caller = await identify(request)

    if (access === 'public') return
    if (!request.caller) throw request.token === undefined ? notSignedIn() : badToken()
    if (access === 'admin' && !request.caller.isAdmin) throw adminsOnly()
  }
}

/** The token of an Authorization header; an empty one counts as none. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1]
}
