import type { FastifyReply, FastifyRequest } from 'fastify'

/** The page's cookie: out of reach of scripts, and sent only by the page's own requests. */
export const sessionCookie = 'gabee_session'

const options = (request: FastifyRequest) =>
  ({ path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' }) as const

/** Signs the page in, unless a page of another origin asked: that one keeps the token of the answer instead. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  token: string,
  expires: Date,
): void {
  if (!request.isFromOtherOrigin) reply.setCookie(sessionCookie, token, { ...options(request), expires })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(sessionCookie, options(request))
}
