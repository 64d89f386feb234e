import type * as z from 'zod/mini'

/**
 * public: everybody. visitor: any signed-in user, and visitors without an account. user: any signed-in user. admin:
 * administrators of the server.
 */
export type Access = 'public' | 'visitor' | 'user' | 'admin'

/** The scopes of an API key: read; ask avees, which stores answers; change everything else. */
export const scopes = ['read', 'chat', 'manage'] as const
export type Scope = (typeof scopes)[number]

/** New work, counted by its own rate limit. It is refused while the disk of the server is almost full. */
export type Work = 'questions' | 'uploads' | 'pulls'

/** A body that has one of several media types, each with its own schema. */
export type Content = { readonly content: Readonly<Record<string, z.ZodMiniType>> }

/**
 * The events of a stream by kind. The `event` member of an event names its kind; without it, the kind is the first one
 * that is also the name of a member: `{"token": "Hello"}` is of kind `token`.
 */
export type EventSchemas = Readonly<Record<string, z.ZodMiniType<object>>>

/** One HTTP operation. The server's route, the client's request and the API description derive from it. */
export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with named parameters: `/conversations/:id`. */
  readonly path: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  /** `user` by default. */
  readonly access?: Access
  /** The scope that an API key needs, or several of which one is enough: by default `read` for GET and `manage` for other methods. */
  readonly scope?: Scope | readonly Scope[]
  /** The action that the audit log records when the operation succeeds, such as `document.delete`. */
  readonly audit?: string
  readonly params?: z.ZodMiniObject
  readonly query?: z.ZodMiniObject
  readonly headers?: z.ZodMiniObject
  readonly body?: z.ZodMiniType | Content
  /** The largest body that the server accepts; by default the server's limit for JSON. */
  readonly maxBodyBytes?: number
  /** The work that a request starts. */
  readonly work?: Work
  /** Response bodies by status. */
  readonly responses?: Readonly<Record<number, z.ZodMiniType | Content>>
  /** Set when a response with status 200 is a stream of server-sent events. */
  readonly events?: EventSchemas
  /** The stream has one JSON object a line instead. */
  readonly isNdjson?: boolean
  /** The form of error responses where a foreign protocol has its own. */
  readonly errors?: z.ZodMiniType
}

/** Declares an operation and keeps its exact type. */
export const operation = <const Declared extends Operation>(declared: Declared): Declared => declared

/** The parsed JSON body of an operation's requests. */
export type BodyOf<O extends { body: z.ZodMiniType }> = z.output<O['body']>

/** Returns the scopes of which an API key needs one for an operation. */
export const scopesOf = ({
  method,
  scope = method === 'GET' ? 'read' : 'manage',
}: Pick<Operation, 'method' | 'scope'>): readonly Scope[] => [scope].flat()

/** A body with a choice of media types. */
export const content = <const Types extends Content['content']>(types: Types): { content: Types } => ({
  content: types,
})

export const isContent = (body: z.ZodMiniType | Content): body is Content => 'content' in body

type Success = 200 | 201 | 202 | 203
type JsonOf<Response> = Response extends z.ZodMiniType
  ? Response
  : Response extends { content: { 'application/json': infer Json extends z.ZodMiniType } }
    ? Json
    : never

/** The schemas of an operation's successful JSON responses. */
export type SuccessSchema<O extends Operation> = {
  [Status in keyof O['responses']]: Status extends Success ? JsonOf<O['responses'][Status]> : never
}[keyof O['responses']]

/** One event of a stream, discriminated by `kind`. */
export type StreamEvent<Schemas extends EventSchemas> = {
  [Kind in keyof Schemas]: { kind: Kind; data: z.output<Schemas[Kind]> }
}[keyof Schemas]

export type ParsedEvent<Schemas extends EventSchemas> =
  | { status: 'valid'; event: StreamEvent<Schemas> }
  | { status: 'unknown' }
  | { status: 'malformed'; kind: string; error: z.core.$ZodError }

/** Parses one event of a stream by the schema of its kind. */
export function parseEvent<Schemas extends EventSchemas>(
  schemas: Schemas,
  data: Readonly<Record<string, unknown>>,
): ParsedEvent<Schemas> {
  const named = data['event']
  const kind = typeof named === 'string' ? named : Object.keys(schemas).find((candidate) => candidate in data)
  const schema = kind !== undefined && Object.hasOwn(schemas, kind) ? schemas[kind] : undefined
  if (kind === undefined || schema === undefined) return { status: 'unknown' }
  const parsed = schema.safeParse(data)
  return parsed.success
    ? { status: 'valid', event: { kind, data: parsed.data } as StreamEvent<Schemas> }
    : { status: 'malformed', kind, error: parsed.error }
}
