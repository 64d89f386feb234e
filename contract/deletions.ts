import * as z from 'zod/mini'
import { component, describe, id, idParams, time } from './common.ts'
import { operation } from './operation.ts'

const count = z.optional(z.int())

export const deletionReceipt = component(
  'DeletionReceipt',
  z.object({
    id,
    purge: describe(
      z.enum(['pending', 'done']),
      'done: no file of the embedded database and no table of a PostgreSQL server still holds the contents.',
    ),
    created_at: time,
    purged_at: z.nullable(time),
    users: count,
    avees: count,
    documents: count,
    passages: count,
    conversations: count,
    messages: count,
    memories: count,
  }),
)
export type DeletionReceipt = z.infer<typeof deletionReceipt>

/** The response of operations that delete something for good. */
export const deleted = z.object({ deleted: z.literal(true), receipt: deletionReceipt })
export type Deleted = z.infer<typeof deleted>

export const getDeletion = operation({
  method: 'GET',
  path: '/deletions/:id',
  tags: ['deletions'],
  summary: 'Get the receipt of a deletion, and whether the purge is done',
  description:
    'For the user who deleted and for administrators; for anyone with the id once that user has been deleted.',
  access: 'public',
  params: idParams,
  responses: { 200: deletionReceipt },
})
