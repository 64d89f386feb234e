import { z } from 'zod'

/** A UUIDv7 as text: ids sort by the time they were made. */
export const id = z.uuid()

/** A moment, ISO 8601 in UTC. */
export const time = z.iso.datetime()

/** What every answer that is not a success looks like. `detail` repeats the sentence for clients of the Gabee front end. */
export const errorAnswer = z
  .object({
    error: z.object({
      code: z.string().describe('A stable snake_case word for programs.'),
      message: z.string().describe('One plain sentence for people.'),
      details: z.unknown().optional(),
    }),
    detail: z.string(),
  })
  .meta({ id: 'Error' })
export type ErrorAnswer = z.infer<typeof errorAnswer>

/** How a list is asked for. `cursor` is the `next_cursor` of the page before. */
export const pageQuery = z.object({
  query: z.string().max(400).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(400).optional(),
})
export type PageQuery = z.infer<typeof pageQuery>

/** One page of a list under the name of what it lists; `next_cursor` is null on the last. */
export const pageOf = <Name extends string, Item extends z.ZodType>(name: Name, item: Item) =>
  z.object({ [name]: z.array(item), next_cursor: z.string().nullable() } as Record<Name, z.ZodArray<Item>> & {
    next_cursor: z.ZodNullable<z.ZodString>
  })

/** The answer to a deletion and to other requests that return nothing. */
export const ok = z.object({ ok: z.literal(true) })

export const health = z.object({ ok: z.literal(true) })

export const readiness = z.object({
  ok: z.boolean(),
  database: z.object({
    ok: z.boolean(),
    kind: z.enum(['embedded', 'postgres']),
    message: z.string().optional(),
  }),
  models: z.object({
    ok: z.boolean(),
    chat: z.string(),
    embedding: z.string().nullable(),
    message: z.string(),
  }),
})
