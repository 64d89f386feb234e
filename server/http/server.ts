import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { parse as parseQuery } from 'node:querystring'
import fastifyCompress from '@fastify/compress'
import fastifyCookie from '@fastify/cookie'
import fastifyCors from '@fastify/cors'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { v7 } from 'uuid'
import type { Work } from '../../contract/operation.ts'
import type { Readiness } from '../../contract/server.ts'
import type { Config } from '../config.ts'
import { AppError, defineError, toErrorBody } from '../errors.ts'
import type { Log } from '../log.ts'
import { createTelemetry, type Telemetry } from '../telemetry/index.ts'
import { createAccessCheck, type Identity } from './access.ts'
import { collectMethods } from './allowed-methods.ts'
import { type RecordAudit, recordAudit } from './audit.ts'
import type { Caller } from './caller.ts'
import { type ErrorFormat, pathOf, sendError } from './error-response.ts'
import { healthRoutes } from './health.ts'
import { acceptJson } from './json-body.ts'
import { type Metric, serveMetrics } from './metrics.ts'
import { serveApiDescription } from './openapi.ts'
import { createOriginCheck } from './origin.ts'
import { builtPage, servePage } from './page.ts'
import { serializerCompiler, validatorCompiler } from './route.ts'
import { addSecurityHeaders, bareSecurityHeaders } from './security-headers.ts'
import { traceRequests } from './tracing.ts'
import { discardUnreadBodies } from './unread-body.ts'

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
  /** Admits new work of a user, before the body of the request is read, or throws. */
  admit?: (work: Work, from: { caller: Caller; ip: string }) => Promise<void>
  /** Returns the response of GET /health/ready. */
  readiness: () => Promise<Readiness>
  /** The error formats of foreign protocols, by the prefix of their paths, such as `/v1/`. */
  errorFormats?: Readonly<Record<string, ErrorFormat>>
  /** Writes an entry of the audit log. */
  audit?: RecordAudit
  /** Metrics of the modules for GET /metrics. */
  metrics?: Record<string, Metric>
  telemetry?: Telemetry
  /** The folder of the built page; web/dist by default. */
  pageDirectory?: string
}

const maxJsonBytes = 4 * 1024 * 1024
const preflightSeconds = 600
const nulInUrl = defineError(400, 'malformed', () => 'The URL contains the character NUL.')
const validRequestId = /^[\w.:/+=-]{1,128}$/

/**
 * Creates the HTTP server without the routes of the modules: request ids, origins, authentication, errors, health, metrics,
 * the page and the API description. Modules are added with `register`, before `listen` or `ready`.
 */
export async function createHttp(parts: HttpDependencies): Promise<Http> {
  const { config, log, identity, telemetry = createTelemetry() } = parts
  const { trustProxy, publicUrl, allowedOrigins } = config.server
  const origins = createOriginCheck({ publicUrl, allowedOrigins, trustsProxy: trustProxy.length > 0 })

  const app: Http = Fastify({
    // At `info` Fastify only repeats what the command line prints.
    loggerInstance: (log.level === 'info' ? log.child({}, { level: 'warn' }) : log) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && validRequestId.test(given) ? given : v7()
    },
    trustProxy: trustProxy.length > 0 && trustProxy,
    bodyLimit: maxJsonBytes,
    routerOptions: {
      maxParamLength: 400,
      ignoreTrailingSlash: true,
      querystringParser: (text) => parseQuery(text.replaceAll('%00', '')),
    },
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...bareSecurityHeaders, 'x-request-id': request.id })
      sendError(error, request, reply)
    },
    clientErrorHandler: answerMalformed,
  })

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply))
  acceptJson(app)
  discardUnreadBodies(app)
  const allowedMethods = collectMethods(app)

  if (telemetry.tracer) traceRequests(app, telemetry.tracer)
  app.decorate('errorFormats', parts.errorFormats ?? {})
  app.decorateRequest('caller')
  app.decorateRequest('token')
  app.decorateRequest('isFromOtherOrigin', false)
  await addSecurityHeaders(app, publicUrl)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    // Many clients send a content type without a body.
    if (hasNoBody(request.headers)) delete request.headers['content-type']
    // PostgreSQL cannot store NUL, so no such object exists.
    if (request.url.includes('%00')) throw nulInUrl()
  })
  // Streams take over the socket, so they are never compressed: compression would delay their events.
  await app.register(fastifyCompress, {
    globalDecompression: false,
    customTypes: /^(?:application\/json|text\/markdown)/,
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
    // A stream takes over the socket and writes its own head, which must have these headers too.
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value)
    }
    if (request.method === 'OPTIONS') return await reply.code(204).send()
  })
  // A kept-alive connection would prevent the server from closing.
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onResponse', async () => {
    if (isClosing) app.server.closeIdleConnections()
  })
  await app.register(fastifyCookie)
  app.addHook('onRequest', createAccessCheck(identity, origins))
  recordAudit(app, parts.audit ?? (async () => {}))
  app.addHook('onRequest', async ({ routeOptions, caller, ip }) => {
    const work = routeOptions.config.operation?.work
    if (work && caller) await parts.admit?.(work, { caller, ip })
  })

  app.addHook('onResponse', async (request, reply) => {
    // Without the query, which may contain what a user wrote.
    const { method, url } = request
    request.log.debug(
      { method, path: pathOf(url), status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    )
  })
  serveMetrics(app, {
    registry: telemetry.registry,
    metrics: parts.metrics ?? {},
    token: config.server.metricsToken?.reveal() ?? null,
    origins,
  })
  await serveApiDescription(app, publicUrl)
  await app.register(healthRoutes(parts.readiness))
  await servePage(app, parts.pageDirectory ?? builtPage, allowedMethods)
  return app
}

const hasNoBody = ({ 'content-length': length = '0', 'transfer-encoding': encoding }: IncomingHttpHeaders) =>
  length === '0' && encoding === undefined

/** Answers what Node cannot parse as HTTP. */
function answerMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const answer = JSON.stringify(
    toErrorBody(
      isTooLarge
        ? new AppError(431, 'headers_too_large', 'The headers of the request are too large.')
        : new AppError(400, 'malformed', 'The request is malformed.'),
    ),
  )
  socket.end(
    `HTTP/1.1 ${isTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nX-Request-Id: ${v7()}\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`,
  )
}
