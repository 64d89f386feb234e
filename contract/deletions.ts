import * as z from 'zod/mini'
import { component, describe, id, idParams, time, timestamp } from './common.ts'
import { operation } from './operation.ts'

const count = z.optional(z.int())

export const deletionReceipt = component(
  'DeletionReceipt',
  z.object({
    id,
    purge: describe(
      z.enum(['pending', 'done']),
      'done: no file of the embedded database or table of a PostgreSQL server contains the data any longer.',
    ),
    created_at: timestamp,
    restorable_until: describe(
      z.nullable(timestamp),
      'Until then it is in the trash, can be restored, and the purge is pending. Null if it was deleted permanently.',
    ),
    purged_at: z.nullable(timestamp),
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

/** The query of operations that move something to the trash. */
export const deletionQuery = z.object({
  permanent: z.optional(
    describe(
      z.stringbool(),
      'Deletes permanently instead of moving to the trash; also applies to objects in the trash.',
    ),
  ),
})

/** Lists the trash instead. */
export const trashFilter = z.optional(
  describe(z.stringbool(), 'Lists the trash instead: deleted objects that can still be restored.'),
)

/** The time until which an object in the trash can be restored; left out for others. */
export const restorableUntil = z.optional(
  z.pipe(
    z.transform((at: Date | string | null) => (at instanceof Date ? at.toISOString() : (at ?? undefined))),
    z.optional(describe(time, 'Only for objects in the trash.')),
  ),
)

/** The response of operations that delete something. */
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
