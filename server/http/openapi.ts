import { STATUS_CODES } from 'node:http'
import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod/mini'
import { errorResponse } from '../../contract/common.ts'
import { type Content, isContent, type Operation, scopesOf } from '../../contract/operation.ts'
import { sessionCookie, visitorCookie } from './session-cookie.ts'

/**
 * The style of the documentation page: without the bar of its generator, in the typeface of the system and at a
 * readable width.
 */
const docsStyle = `
.swagger-ui :is(.topbar, .info .link, .response-col_links) { display: none }
.swagger-ui .wrapper { max-width: 70rem }
.swagger-ui .info { margin: 2rem 0 1rem }
.swagger-ui, .swagger-ui :is(h1, h2, h3, h4, h5, p, a, label, button, input, select, textarea, table, .info li) {
  font-family: system-ui, sans-serif
}
.swagger-ui .info .title { font-size: 2rem }
.swagger-ui .info p { max-width: 44rem; margin: 1em 0; line-height: 1.6 }
.swagger-ui .info :is(p, li) code { color: inherit; font-weight: 500 }
.swagger-ui .scheme-container { padding: 1rem 0; box-shadow: none; background: none }
.swagger-ui .filter .operation-filter-input { width: 100%; margin: 0 0 1rem; border-width: 1px }
.swagger-ui .opblock-tag { font-size: 1.125rem }
.swagger-ui .opblock { margin-bottom: .5rem; box-shadow: none }
@media (max-width: 40rem) {
  .swagger-ui .opblock-tag { display: grid; grid-template-columns: 1fr auto }
  .swagger-ui .opblock-tag small { grid-row: 2; padding: 0 }
  .swagger-ui .opblock-tag button { grid-area: 1 / 2 / 3 / 3 }
}`

const description = `AI personas ("avees") with their own documents and memory. Answers stream, cite their sources and survive restarts.

**Authentication.** Send \`Authorization: Bearer\` with a session token (\`POST /auth/login\`) or an API key (\`POST /api-keys\`).
The web page uses a cookie instead. Visitors of an avee that is open to
them need no account (\`POST /avees/{id}/visits\`). In personal mode, requests from the machine itself need no credentials.

**Streams** have the media type \`text/event-stream\`. Each event is one \`data:\` line of JSON and an \`id:\` line; the schema of
a stream describes the JSON of one event. \`X-Run-Id\` names the run that the stream reads. After an interruption,
\`GET /runs/{id}/events\` with \`Last-Event-ID\` resumes it after any event.

**Errors** have one form: \`{"error": {"code", "message", "details"}, "detail"}\`.`

const tags = [
  { name: 'chat', description: 'Questions and answers.' },
  { name: 'conversations', description: 'Conversations, their messages and branches.' },
  { name: 'avees', description: 'AI personas, their permissions and followers.' },
  { name: 'documents', description: 'The documents of avees.' },
  { name: 'search', description: 'Search in documents, conversations and memories.' },
  { name: 'memories', description: 'What avees remember about the caller.' },
  { name: 'insight', description: 'Analysis of answers, feedback, unanswered questions and updates.' },
  { name: 'providers', description: 'Services that provide models, and the models of all of them.' },
  { name: 'runs', description: 'Long operations and their durable event logs.' },
  { name: 'accounts', description: 'Accounts, sessions and API keys.' },
  {
    name: 'administration',
    description: 'Users, usage, state and audit log of the server, for administrators.',
  },
  { name: 'deletions', description: 'Receipts of deletions.' },
  { name: 'localchat', description: 'The LocalChat protocol: the caller’s library and local models.' },
  { name: 'tools', description: 'Tools that avees may use while they answer.' },
  { name: 'webhooks', description: 'Messages to other programs about events of an avee.' },
  { name: 'mcp', description: 'The Model Context Protocol.' },
  { name: 'openai', description: 'The OpenAI protocol: avees and models for other software.' },
  { name: 'ollama', description: 'The Ollama protocol: avees and models for other software.' },
  { name: 'server', description: 'Health of the server.' },
]

/**
 * Serves /openapi.json and /docs, derived from the operations of all routes that are added after this call.
 */
export async function serveApiDescription(app: FastifyInstance, publicUrl: string | null): Promise<void> {
  const operations: Operation[] = []
  app.addHook('onRoute', ({ config, method }) => {
    const isWildcard = config?.operation?.path.endsWith('*')
    if (config?.operation && !isWildcard && method !== 'HEAD') operations.push(config.operation)
  })
  let described: ReturnType<typeof describeApi> | undefined
  const describeOnce = () => (described ??= describeApi(operations, publicUrl ?? '/'))

  // The plugin for the documentation page requires this one, but does not generate the description.
  await app.register(fastifySwagger, {
    openapi: {},
    transform: ({ url }) => ({ schema: { hide: true }, url }),
    transformObject: describeOnce as never,
  })
  app.get('/openapi.json', { config: { access: 'public' } }, async () => describeOnce())
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' }
    })
    await docs.register(fastifySwaggerUi, {
      routePrefix: '/docs',
      theme: {
        title: 'Gabee API',
        css: [{ filename: 'gabee.css', content: docsStyle }],
      },
      uiConfig: {
        deepLinking: true,
        persistAuthorization: false,
        docExpansion: 'none',
        filter: true,
        defaultModelsExpandDepth: 0,
        displayRequestDuration: true,
      },
    })
  })
}

type Json = Record<string, unknown>

/** Returns the OpenAPI 3.1 description of the operations. */
function describeApi(operations: readonly Operation[], serverUrl: string) {
  const schemas: Json = {}

  /** Returns the JSON schema of a schema; named schemas become components. */
  function schemaOf(schema: z.ZodMiniType, io: 'input' | 'output'): Json {
    const {
      $schema: _version,
      $defs = {},
      ...root
    } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json & { $defs?: Json }
    for (const [name, { id: _id, ...definition }] of Object.entries($defs as Record<string, Json>))
      schemas[name] = withReferences(definition)
    const { id, ...anonymous } = withReferences(root)
    if (typeof id !== 'string') return anonymous
    schemas[id] = anonymous
    return { $ref: `#/components/schemas/${id}` }
  }

  const contentOf = (body: z.ZodMiniType | Content, io: 'input' | 'output'): Json =>
    Object.fromEntries(
      Object.entries(isContent(body) ? body.content : { 'application/json': body }).map(([type, schema]) => [
        type,
        { schema: schemaOf(schema, io) },
      ]),
    )

  function parametersOf(location: 'path' | 'query' | 'header', schema: z.ZodMiniObject | undefined): Json[] {
    if (!schema) return []
    const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
      properties?: Record<string, Json>
      required?: string[]
    }
    return Object.entries(properties).map(([name, { description: about, ...type }]) => ({
      name: location === 'header' ? headerName(name) : name,
      in: location,
      required: location === 'path' || required.includes(name),
      ...(about === undefined ? {} : { description: about }),
      schema: type,
    }))
  }

  function responsesOf({ responses = {}, events, isNdjson, errors = errorResponse }: Operation): Json {
    const all: Json = {}
    for (const [status, body] of Object.entries(responses)) {
      const isEmpty = !isContent(body) && body.def.type === 'undefined'
      all[status] = {
        description: (!isContent(body) && isEmpty && metadataOf(body)) || (STATUS_CODES[status] ?? 'Error'),
        ...(isEmpty ? {} : { content: contentOf(body, 'output') }),
      }
    }
    if (events) {
      const known = (all['200'] as { content?: Json } | undefined)?.content
      const kinds = Object.values(events) as [z.ZodMiniType, ...z.ZodMiniType[]]
      all['200'] = {
        description: 'A stream of events. The schema describes the JSON of one event.',
        headers: {
          'X-Run-Id': { description: 'The id of the run.', schema: { type: 'string' } },
          Location: { description: 'Where the stream can be resumed.', schema: { type: 'string' } },
        },
        content: {
          ...known,
          [isNdjson ? 'application/x-ndjson' : 'text/event-stream']: {
            schema: schemaOf(z.union(kinds), 'output'),
          },
        },
      }
    }
    const error = { description: 'The request failed.', content: contentOf(errors, 'output') }
    return { ...all, '4XX': error, '5XX': error }
  }

  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const { method, path, summary, description: about, access, body } = operation
    const url = path.replaceAll(/:(\w+)/g, '{$1}')
    paths[url] = {
      ...paths[url],
      [method.toLowerCase()]: {
        operationId: operationId(method, path),
        tags: operation.tags,
        summary,
        ...(about === undefined ? {} : { description: about }),
        parameters: [
          ...parametersOf('path', operation.params),
          ...parametersOf('query', operation.query),
          ...parametersOf('header', operation.headers),
        ],
        ...(body && {
          requestBody: {
            required: isContent(body) || !body.safeParse(undefined).success,
            content: contentOf(body, 'input'),
          },
        }),
        responses: responsesOf(operation),
        security:
          access === 'public'
            ? []
            : [
                ...scopesOf(operation).map((scope) => ({ bearer: [scope] })),
                { cookie: [] },
                ...(access === 'visitor' ? [{ visitor: [] }, { visitor_cookie: [] }] : []),
              ],
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gabee',
      description,
      version: '1',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: serverUrl }],
    security: [{ bearer: [] }, { cookie: [] }],
    tags,
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A session token, or an API key that has the scope named by the operation: read, chat or manage.',
        },
        visitor: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Visitor',
          description: 'The token of a visitor without an account, from `POST /avees/{id}/visits`.',
        },
        visitor_cookie: { type: 'apiKey', in: 'cookie', name: visitorCookie },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: sessionCookie,
          description: 'The session of the web page, for requests from its own origin.',
        },
      },
    },
  }
}

/** Rewrites references to the definitions of one schema as references to components. */
const withReferences = (schema: Json): Json =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json

const metadataOf = (schema: z.ZodMiniType) => z.globalRegistry.get(schema)?.description

/** Header names as clients write them: last-event-id → Last-Event-ID. */
const headerName = (name: string) =>
  name
    .split('-')
    .map((word) => (word === 'id' ? 'ID' : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('-')

/** Derives a name from the path, so that it is as stable: GET /avees/:id/permissions → get_avees_id_permissions. */
function operationId(method: string, path: string): string {
  const name = path.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_|_$/g, '')
  return `${method.toLowerCase()}_${name}`
}
