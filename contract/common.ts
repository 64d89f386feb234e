import * as z from 'zod/mini'

// Schemas use zod/mini because the page loads them, and only mini drops what a bundle does not use.

/** Returns a copy of a schema with a description for the API documentation. */
export const describe = <Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema =>
  register(schema, { description })

/** Returns a copy of a schema that the API documentation lists by name. */
export const component = <Schema extends z.ZodMiniType>(name: string, schema: Schema): Schema =>
  register(schema, { id: name })

function register<Schema extends z.ZodMiniType>(schema: Schema, metadata: z.core.GlobalMeta): Schema {
  const copy = schema.clone()
  z.globalRegistry.add(copy, metadata)
  return copy
}

/** A trimmed text of 1 to `maxLength` UTF-16 units. */
export const text = (maxLength: number) => z.string().check(z.trim(), z.minLength(1), z.maxLength(maxLength))

/** A text of at most `maxLength` UTF-16 units, which may be empty. */
export const shortText = (maxLength: number) => z.string().check(z.maxLength(maxLength))

/** A UUIDv7; ids sort by creation time. Requests may contain it in upper case. */
export const id = z.uuid().check(z.toLowerCase())

/** An ISO 8601 timestamp in UTC. */
export const time = z.iso.datetime()

/** A timestamp in a response, for which the server passes a Date. */
export const timestamp = z.pipe(
  z.transform((at: Date | string) => (at instanceof Date ? at.toISOString() : at)),
  time,
)

const score = z.number().check(z.minimum(0), z.maximum(1))
/** A number from 0 (worst) to 1 (best). */
export const fraction = score

/** The path parameter of an object that is found by its id. */
export const idParams = z.object({ id })

/** The path parameter of an avee. */
export const aveeParams = z.object({
  id: describe(shortText(100), 'Id or handle; `local` is the library of the caller.'),
})

export const aveeReference = describe(shortText(100), 'Id or handle of an avee.')

/** The body of every error response. `detail` repeats the message for clients that read only that member. */
export const errorResponse = component(
  'Error',
  z.object({
    error: z.object({
      code: describe(z.string(), 'A stable snake_case identifier for programs.'),
      message: describe(z.string(), 'One sentence for people.'),
      details: z.optional(z.unknown()),
    }),
    detail: z.string(),
  }),
)
export type ErrorResponse = z.infer<typeof errorResponse>

/** Page size of a list: 1 to `max`, by default `size`. */
export const limitOf = (max: number, size: number) =>
  z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(max)), size)

/** The parameters of a paged list. */
export const pageQuery = z.object({
  query: z.optional(shortText(400)),
  limit: limitOf(200, 50),
  cursor: z.optional(describe(shortText(400), '`next_cursor` of the previous page.')),
})

/** One page of a list, with the items under `name`. */
export const pageOf = <Name extends string, Item extends z.ZodMiniType>(name: Name, item: Item) =>
  z.object({
    [name]: z.array(item),
    next_cursor: describe(z.nullable(z.string()), 'Null on the last page.'),
  } as Record<Name, z.ZodMiniArray<Item>> & { next_cursor: z.ZodMiniNullable<z.ZodMiniString> })

/** The response of operations that return no object. */
export const ok = z.object({ ok: z.literal(true) })

/** The header of operations that a client may repeat safely. */
export const idempotencyHeaders = z.object({
  'idempotency-key': z.optional(
    describe(
      z.string(),
      '1 to 200 printable characters. A repeated request about the same avee with the same key returns the run of the first one.',
    ),
  ),
})
