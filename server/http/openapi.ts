import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { errorAnswer } from '../../contract/common.ts'
import { contentSecurityPolicy } from './security-headers.ts'

const about = `Personas ("avees") with documents of their own, and answers that stream, cite and survive.

**Signing in.** \`Authorization: Bearer\` with a session token (\`POST /auth/login\`) or an API key (\`POST /api-keys\`).
On a server that only its own machine can reach and that has no account yet, no sign-in is needed from that machine.

**Streams** are \`text/event-stream\`: each event is one \`data:\` line of JSON and an \`id:\`. \`X-Run-Id\` names the run
that a stream reads; \`GET /runs/{id}/events\` with \`Last-Event-ID\` goes on from any event, after any interruption.

**Errors** all have one shape, \`{"error": {"code", "message"}, "detail"}\`.`

/**
 * /openapi.json and /docs, made from the schemas that also validate, so that they cannot differ from what the server
 * does. Must be registered before the routes it describes.
 */
export async function describeApi(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', addErrorAnswers)

  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Gabee', description: about, version: '1' },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A session token or an API key.' },
        },
      },
      security: [{ bearer: [] }],
    },
    transform: (input) => {
      const { schema, url } = bodiesByType(input)
      if (!schema || schema.hide) return { schema, url }
      const { method, config } = input.route
      const named = { operationId: operationId(String(method), url), ...schema }
      return { schema: config?.access === 'public' ? { ...named, security: [] } : named, url }
    },
    transformObject: jsonSchemaTransformObject,
  })

  app.get('/openapi.json', { schema: { hide: true }, config: { access: 'public' } }, async () =>
    app.swagger(),
  )

  await app.register(async (inside) => {
    inside.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' }
    })
    await inside.register(fastifySwaggerUi, {
      routePrefix: '/docs',
      staticCSP: contentSecurityPolicy,
      theme: { title: 'Gabee API' },
      uiConfig: { deepLinking: true, persistAuthorization: false },
    })
  })
}

/** A body that may come in several content types has a schema for each, which the transformation of zod's schemas does not know. */
const bodiesByType: typeof jsonSchemaTransform = (input) => {
  const body = (input.schema as { body?: { content?: Record<string, { schema: unknown }> } } | undefined)
    ?.body
  if (!body?.content || input.schema?.hide) return jsonSchemaTransform(input)
  const transformed = jsonSchemaTransform({
    ...input,
    schema: { ...input.schema, body: undefined },
  } as typeof input)
  const content = Object.fromEntries(
    Object.entries(body.content).map(([type, { schema }]) => {
      const one = jsonSchemaTransform({ ...input, schema: { body: schema } } as typeof input)
      return [type, { schema: (one.schema as { body: unknown }).body }]
    }),
  )
  return { ...transformed, schema: { ...transformed.schema, body: { content } } }
}

/** Every route may answer with an error, so none has to say so itself. */
function addErrorAnswers(route: RouteOptions): void {
  if (route.schema?.hide) return
  const declared = (route.schema?.response ?? {}) as Record<string, unknown>
  route.schema = {
    ...route.schema,
    response: {
      ...declared,
      '4xx': declared['4xx'] ?? errorAnswer,
      '5xx': declared['5xx'] ?? errorAnswer,
    },
  }
}

/** A name that stays as long as the route does: GET /avees/:id/permissions → get_avees_id_permissions. */
function operationId(method: string, url: string): string {
  const path = url.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_|_$/g, '')
  return `${method.toLowerCase()}_${path}`
}
