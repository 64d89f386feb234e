import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, defineError, internal, toErrorBody } from '../errors.ts'

const malformed = defineError(400, 'malformed', () => 'The request is malformed.')
const invalidJson = defineError(
  400,
  'malformed_json',
  () => 'The body is invalid JSON or has a forbidden key.',
)
const routeNotFound = defineError(
  404,
  'not_found',
  (method: string, path: string) => `Not found: ${method} ${path}.`,
)
const methodNotAllowed = defineError(
  405,
  'method_not_allowed',
  (method: string, allowed: string[]) => `${method} is not allowed here. Use ${allowed.join(' or ')}.`,
)
const tooLarge = defineError(413, 'too_large', () => 'The request is too large.')
const unsupportedType = defineError(
  415,
  'type_not_supported',
  () => 'The content type is not supported. Send application/json.',
)
const shuttingDown = defineError(
  503,
  'shutting_down',
  () => 'The server is shutting down. Try again in a moment.',
)
const rejected = (status: number) => new AppError(status, 'refused', 'The server rejected the request.')

/** Returns any thrown value as an error whose message may be sent to the client. */
function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const { code = '', statusCode = 500 } = thrown as Partial<FastifyError>
  if (code.includes('JSON_BODY')) return invalidJson()
  if (statusCode === 400) return malformed()
  if (statusCode === 413) return tooLarge()
  if (statusCode === 415) return unsupportedType()
  if (code === 'FST_ERR_REOPENED_CLOSE_SERVER' || statusCode === 503) return shuttingDown()
  return statusCode > 400 && statusCode < 500 ? rejected(statusCode) : internal(thrown)
}

/** How a foreign protocol formats an error. */
export type ErrorFormat = (error: AppError) => { status: number; body: object }

declare module 'fastify' {
  interface FastifyInstance {
    /** The error formats of foreign protocols, by the prefix of their paths. The first match applies. */
    errorFormats: Readonly<Record<string, ErrorFormat>>
  }
}

const ownFormat: ErrorFormat = (error) => ({ status: error.status, body: toErrorBody(error) })

/** Sends the error response of a thrown value, in the protocol of the path. Logs the cause of server errors. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = asAppError(thrown)
  if (error.status >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, error.message)
  if (error.retryAfter !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfter)))
  // The body is not a file.
  reply.removeHeader('content-disposition')
  if (error.status === 401) reply.header('www-authenticate', 'Bearer')
  const path = pathOf(request.url)
  const prefix = Object.keys(request.server.errorFormats).find((each) => path.startsWith(each)) ?? ''
  const { status, body } = (request.server.errorFormats[prefix] ?? ownFormat)(error)
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(body)
}

/** Sends the response for a path without a route, or for a path whose routes have other methods. */
export function sendNotFound(
  request: FastifyRequest,
  reply: FastifyReply,
  allowedMethods: (path: string) => string[],
): FastifyReply {
  const path = pathOf(request.url)
  const allowed = allowedMethods(path)
  if (allowed.length === 0)
    return sendError(routeNotFound(request.method, path.slice(0, 200)), request, reply)
  reply.header('allow', allowed.join(', '))
  return sendError(methodNotAllowed(request.method, allowed), request, reply)
}

/** Returns a URL without its query, which may contain what a user wrote. */
export const pathOf = (url: string): string => url.split('?', 1)[0] ?? ''
