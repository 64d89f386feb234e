import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, defineError, internal, toErrorBody } from '../errors.ts'

const malformed = defineError(400, 'malformed', () => 'The request is malformed.')
const notJson = defineError(
  400,
  'malformed_json',
  () => 'The body is not JSON that is taken here: it does not parse, or has keys such as __proto__.',
)
const noSuchRoute = defineError(
  404,
  'not_found',
  (method: string, path: string) => `There is no ${method} ${path} here.`,
)
const tooLarge = defineError(413, 'too_large', () => 'The request is larger than this server takes.')
const badType = defineError(
  415,
  'type_not_supported',
  () => 'This content type is not supported here; send application/json where nothing else is said.',
)
const busy = defineError(503, 'shutting_down', () => 'The server is shutting down; try again in a moment.')
const refused = (status: number) => new AppError(status, 'refused', 'The server does not take this request.')

/** Whatever was thrown on the way to an answer, as an error that a client can be told about. */
function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const { code = '', statusCode = 500 } = thrown as Partial<FastifyError>
  if (code.includes('JSON_BODY')) return notJson()
  if (statusCode === 400) return malformed()
  if (statusCode === 413) return tooLarge()
  if (statusCode === 415) return badType()
  if (code === 'FST_ERR_REOPENED_CLOSE_SERVER' || statusCode === 503) return busy()
  return statusCode > 400 && statusCode < 500 ? refused(statusCode) : internal(thrown)
}

/** Answers with the one shape that every error has. A failure of ours goes to the log with its cause. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = asAppError(thrown)
  if (error.status >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, error.message)
  if (error.retryAfter !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfter)))
  if (error.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(error.status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(toErrorBody(error))
}

/** The answer to a path or method that no route has. */
export const sendNotFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  sendError(noSuchRoute(request.method, pathOf(request.url).slice(0, 200)), request, reply)

/** A URL without its query, which may hold what a person wrote. */
export const pathOf = (url: string): string => url.split('?', 1)[0] ?? ''
