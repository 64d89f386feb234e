import type { FastifyReply, FastifyRequest } from 'fastify'

/** The session of the page: not readable by scripts, and sent only with requests of the page's own site. */
export const sessionCookie = 'gabee_session'

const cookieOptions = (request: FastifyRequest) =>
  ({ path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' }) as const

/** Sets the session cookie, except for requests of another origin, which use the token in the response. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  token: string,
  expires: Date,
  { isNavigation = false } = {},
): void {
  if (!request.isFromOtherOrigin || isNavigation)
    reply.setCookie(sessionCookie, token, { ...cookieOptions(request), expires })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(sessionCookie, cookieOptions(request))
}
