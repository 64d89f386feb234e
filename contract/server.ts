import * as z from 'zod/mini'
import { describe } from './common.ts'
import { operation } from './operation.ts'

export const getHealth = operation({
  method: 'GET',
  path: '/health',
  tags: ['server'],
  summary: 'Check that the server responds',
  access: 'public',
  responses: { 200: z.object({ ok: z.literal(true) }) },
})

export const readiness = z.object({
  ok: z.boolean(),
  stopping: describe(
    z.optional(z.literal(true)),
    'The server is shutting down: send new requests to another one.',
  ),
  database: z.object({
    ok: z.boolean(),
    kind: z.enum(['embedded', 'postgres']),
    message: z.optional(z.string()),
  }),
  storage: z.object({ ok: z.boolean(), message: z.optional(z.string()) }),
  models: z.object({
    ok: z.boolean(),
    chat: z.string(),
    embedding: z.nullable(z.string()),
    message: z.string(),
  }),
})
export type Readiness = z.infer<typeof readiness>

export const getReadiness = operation({
  method: 'GET',
  path: '/health/ready',
  tags: ['server'],
  summary: 'Check that the database, the disk and the models are available',
  access: 'public',
  responses: { 200: readiness, 503: readiness },
})
