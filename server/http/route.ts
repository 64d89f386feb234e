import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  FastifySchemaCompiler,
  RouteHandlerMethod,
} from 'fastify'
import type * as z from 'zod/mini'
import { type Content, isContent, type Operation, type SuccessSchema } from '../../contract/operation.ts'
import { describeIssue, invalidRequest } from './invalid-request.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The operation that the route implements. */
    operation?: Operation
  }
}

type Parsed<Schema> = Schema extends z.ZodMiniType
  ? z.output<Schema>
  : Schema extends { content: { 'application/json': infer Json extends z.ZodMiniType } }
    ? z.output<Json> | undefined
    : undefined

type BodyOf<Response> = Response extends z.ZodMiniType ? z.input<Response> : unknown

type RouteTypes<O extends Operation> = {
  Params: Parsed<O['params']>
  Querystring: Parsed<O['query']>
  Body: Parsed<O['body']>
  Reply: { [Status in keyof O['responses']]: BodyOf<O['responses'][Status]> }
}

export type RequestOf<O extends Operation> = FastifyRequest<RouteTypes<O>>

/** Returns the response body, or sends the response itself. */
type Handler<O extends Operation> = (
  request: RequestOf<O>,
  reply: FastifyReply<RouteTypes<O>>,
) => Promise<
  z.input<SuccessSchema<O>> | FastifyReply<RouteTypes<O>> | (O['events'] extends object ? void : never)
>

/**
 * Adds the route of an operation. Requests are parsed by the operation's schemas before the handler runs, and members
 * that the schema lacks are removed from response bodies. A returned body is sent with the operation's only success
 * status.
 */
export function route<const O extends Operation>(
  app: FastifyInstance,
  operation: O,
  handler: Handler<O>,
  { skipsAuthentication = false }: { skipsAuthentication?: boolean } = {},
): void {
  const { method, path, access = 'user', maxBodyBytes, events, responses = {} } = operation
  const status = defaultStatus(operation)
  app.route({
    method,
    url: path,
    schema: schemaOf(operation),
    config: { access, operation, skipsAuthentication },
    ...(maxBodyBytes === undefined ? {} : { bodyLimit: maxBodyBytes }),
    ...(method === 'GET' && events ? { exposeHeadRoute: false } : {}),
    // Files keep their length, which browsers show as progress.
    ...(isFile(responses[200]) ? { compress: false } : {}),
    handler: (async (request: RequestOf<O>, reply: FastifyReply<RouteTypes<O>>) => {
      ;(reply as FastifyReply).code(status)
      return await handler(request, reply)
    }) as unknown as RouteHandlerMethod,
  })
}

const isFile = (response: z.ZodMiniType | Content | undefined): boolean =>
  response !== undefined && isContent(response) && 'application/octet-stream' in response.content

function defaultStatus({ responses = {}, events }: Operation): number {
  const statuses = Object.keys(responses).map(Number)
  const successes = statuses.filter((status) => status >= 200 && status < 300)
  return !events && successes.length === 1 ? (successes[0] ?? 200) : 200
}

/** The schemas in the form in which Fastify compiles them. */
function schemaOf({ params, query, headers, body, responses = {} }: Operation): FastifySchema {
  const wrap = (schema: z.ZodMiniType | Content) =>
    isContent(schema)
      ? {
          content: Object.fromEntries(
            Object.entries(schema.content).map(([type, one]) => [type, { schema: one }]),
          ),
        }
      : schema
  return {
    ...(params && { params }),
    ...(query && { querystring: query }),
    ...(headers && { headers }),
    ...(body && { body: wrap(body) }),
    response: Object.fromEntries(Object.entries(responses).map(([status, schema]) => [status, wrap(schema)])),
  }
}

/** Parses a part of a request. Fastify passes null if there is no body. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodMiniType> =
  ({ schema, httpPart = 'body' }) =>
  (value: unknown) => {
    const parsed = schema.safeParse(value ?? undefined, { error: describeIssue })
    return parsed.success ? { value: parsed.data } : { error: invalidRequest(httpPart, parsed.error.issues) }
  }

export const serializerCompiler =
  ({ schema }: { schema: z.ZodMiniType }) =>
  (body: unknown): string =>
    JSON.stringify(schema.parse(body))
