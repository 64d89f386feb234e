import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { parse as parseQuery } from 'node:querystring'
import fastifyCookie from '@fastify/cookie'
import fastifyCors from '@fastify/cors'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  LogController,
  type RawServerDefault,
} from 'fastify'
import { v7 } from 'uuid'
import type { Readiness } from '../../contract/server.ts'
import type { Config } from '../config.ts'
import { AppError, toErrorBody } from '../errors.ts'
import type { Log } from '../log.ts'
import { createAccessCheck, type Identity } from './access.ts'
import { pathOf, sendError } from './error-response.ts'
import { healthRoutes } from './health.ts'
import { type Metric, serveMetrics } from './metrics.ts'
import { serveApiDescription } from './openapi.ts'
import { createOriginCheck } from './origin.ts'
import { builtPage, servePage } from './page.ts'
import { serializerCompiler, validatorCompiler } from './route.ts'
import { securityHeaders } from './security-headers.ts'

export type Http = FastifyInstance

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for the health probe, which must respond without the database. */
    skipsAuthentication?: boolean
  }
}

export type HttpDependencies = {
  config: Config
  log: Log
  identity: Identity
  /** What GET /health/ready answers. */
  readiness: () => Promise<Readiness>
  /** Figures of the rooms for GET /metrics. */
  readings?: Record<string, Metric>
  /** The folder of the built page; web/dist unless said otherwise. */
  pageDirectory?: string
}

const jsonBytes = 4 * 1024 * 1024
const preflightSeconds = 600
const saneRequestId = /^[\w.:/+=-]{1,128}$/

/**
 * The HTTP server without any room's routes: ids, origins, who is asking, errors, health, metrics, the page and the
 * API's description. Rooms are mounted with `register`, before `listen` or `ready`.
 */
export async function createHttp(parts: HttpDependencies): Promise<Http> {
  const { config, log, identity } = parts
  const { trustProxy, publicUrl, allowedOrigins } = config.server
  const origins = createOriginCheck({ publicUrl, allowedOrigins, trustsProxy: trustProxy.length > 0 })

  const app: Http = Fastify({
    // At `info` it would only repeat what the command line says.
    loggerInstance: (log.level === 'info' ? log.child({}, { level: 'warn' }) : log) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && saneRequestId.test(given) ? given : v7()
    },
    trustProxy: trustProxy.length > 0 && trustProxy,
    bodyLimit: jsonBytes,
    routerOptions: {
      maxParamLength: 400,
      ignoreTrailingSlash: true,
      querystringParser: (text) => parseQuery(text.replaceAll('%00', '')),
    },
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...securityHeaders, 'x-request-id': request.id })
      sendError(error, request, reply)
    },
    clientErrorHandler: answerUnreadable,
  })

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply))

  takeJson(app)

  app.decorateRequest('caller')
  app.decorateRequest('token')
  app.decorateRequest('isFromOtherOrigin', false)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...securityHeaders, 'x-request-id': request.id })
    // Many clients label every request, also one that brings nothing.
    if (isWithoutBody(request.headers)) delete request.headers['content-type']
    // No store keeps it, and nothing is named so.
    if (request.url.includes('%00'))
      throw new AppError(400, 'malformed', 'The address holds the character NUL.')
  })
  await app.register(fastifyCors, {
    origin: async (origin: string | undefined) =>
      origin !== undefined && allowedOrigins.includes(origin) ? origin : false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['X-Run-Id', 'X-Request-Id', 'Location', 'Retry-After'],
    maxAge: preflightSeconds,
    strictPreflight: false,
  })
  app.addHook('onRequest', async (request, reply) => {
    // What takes over the socket (a stream) writes its own head: this way it carries these headers too.
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value)
    }
    if (request.method === 'OPTIONS') return await reply.code(204).send()
  })
  await app.register(fastifyCookie)
  app.addHook('onRequest', createAccessCheck(identity, origins))

  app.addHook('onResponse', async (request, reply) => {
    // Without the query: it may hold what a person wrote.
    const { method, url } = request
    request.log.debug(
      { method, path: pathOf(url), status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    )
  })
  serveMetrics(app, {
    readings: parts.readings ?? {},
    token: config.server.metricsToken?.reveal() ?? null,
    origins,
  })
  await serveApiDescription(app, publicUrl)
  await app.register(healthRoutes(parts.readiness))
  await servePage(app, parts.pageDirectory ?? builtPage)
  return app
}

/** JSON is the only body that every route takes. An empty one counts as none. */
function takeJson(app: Http): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, withoutNul(body as string), done)
  })
}

/** Nobody means to send the character NUL, which comes along when text is copied from a file, and no store keeps it. */
const withoutNul = (json: string): string =>
  json.includes('\\u0000') ? json.replace(/(?<!\\)((?:\\\\)*)\\u0000/g, '$1') : json

const isWithoutBody = ({
  'content-length': length = '0',
  'transfer-encoding': encoding,
}: IncomingHttpHeaders) => length === '0' && encoding === undefined

/** What Node could not read as HTTP at all. */
function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const large = error.code === 'HPE_HEADER_OVERFLOW'
  const answer = JSON.stringify(
    toErrorBody(
      large
        ? new AppError(431, 'headers_too_large', 'The headers of the request are too large.')
        : new AppError(400, 'malformed', 'The request is malformed.'),
    ),
  )
  socket.end(
    `HTTP/1.1 ${large ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nX-Request-Id: ${v7()}\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`,
  )
}
