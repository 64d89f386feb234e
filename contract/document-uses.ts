import * as z from 'zod/mini'
import { component, describe, id, idParams, limitOf, pageOf, pageQuery, timestamp } from './common.ts'
import { operation } from './operation.ts'

const documentUse = component(
  'DocumentUse',
  z.object({
    conversation_id: id,
    title: z.nullable(z.string()),
    avee_id: id,
    avee_handle: z.string(),
    avee_display_name: z.string(),
    message_id: describe(id, 'The latest answer that cites the document.'),
    answers: describe(z.int(), 'The number of answers that cite it.'),
    cited_at: timestamp,
  }),
)

export const listDocumentUses = operation({
  method: 'GET',
  path: '/documents/:id/uses',
  tags: ['documents'],
  summary: 'List where a document is used',
  description:
    'Returns the conversations of the caller whose answers cite the document, sorted by the latest of these answers, and the avees that have it. The owner also gets the number of conversations of others.',
  params: idParams,
  query: z.object({ limit: limitOf(100, 20), cursor: pageQuery.shape.cursor }),
  responses: {
    200: z.extend(pageOf('conversations', documentUse), {
      conversations_of_others: describe(
        z.nullable(z.int()),
        'At most 1,000; null for an attachment, and for anybody but the owner.',
      ),
      avees: describe(
        z.array(
          z.object({
            id,
            handle: z.string(),
            display_name: z.string(),
            is_library: z.boolean(),
            document_id: id,
          }),
        ),
        'The avee of the document, and the avees of the caller that have the same file.',
      ),
    }),
  },
})
