import type { FastifyReply, FastifyRequest } from 'fastify'

/** The session of the page: not readable by scripts, and sent only with requests of the page's own site. */
export const sessionCookie = 'gabee_session'
/** The session of a visitor without an account; the header `X-Visitor` may have it instead. */
export const visitorCookie = 'gabee_visitor'

const cookieOptions = (request: FastifyRequest) =>
  ({ path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' }) as const

/** Sets a session cookie, except for requests of another origin, which use the token in the response. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  token: string,
  expires: Date,
  { isNavigation = false, name = sessionCookie } = {},
): void {
  if (!request.isFromOtherOrigin || isNavigation)
    reply.setCookie(name, token, { ...cookieOptions(request), expires })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(sessionCookie, cookieOptions(request))
}

/** Returns the token of a visitor, from the header or the cookie. */
export function visitorToken({ headers, cookies, isFromOtherOrigin }: FastifyRequest): string | undefined {
  const header = headers['x-visitor']
  return typeof header === 'string' ? header : isFromOtherOrigin ? undefined : cookies[visitorCookie]
}
