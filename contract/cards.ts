import * as z from 'zod/mini'
import { avee } from './avees.ts'
import { aveeParams, describe, id } from './common.ts'
import { content, operation } from './operation.ts'

const notTakenOver = z.object({
  field: describe(z.string(), 'The member of the card or of the file.'),
  message: z.string(),
})
export type NotTakenOver = z.infer<typeof notTakenOver>

/** A multipart form; the server reads it as a stream, so only its description matters here. */
const fileForm = z.unknown().register(z.globalRegistry, {
  type: 'object',
  properties: { file: { type: 'string', format: 'binary' } },
  required: ['file'],
})

const tags = ['avees'] as const

export const importAvee = operation({
  method: 'POST',
  path: '/avees/import',
  work: 'uploads',
  tags,
  summary: 'Create an avee from a character card or an .avee file',
  audit: 'avee.import',
  description:
    'Accepts character cards of version 1, 2 or 3 as JSON, PNG or CHARX, and .avee files. The description, personality, scenario and instructions of a card become the persona, the entries of its lorebook become documents, and the portrait becomes the image; such an avee is private. An .avee file restores its whole contents.',
  body: content({ 'multipart/form-data': fileForm }),
  responses: {
    201: z.object({
      avee,
      documents: describe(z.int(), 'The number of documents that are added.'),
      run_ids: describe(z.array(id), 'The runs that add them.'),
      not_taken_over: z.array(notTakenOver),
    }),
  },
})

export const exportAvee = operation({
  method: 'GET',
  path: '/avees/:id/export',
  tags,
  summary: 'Export an avee as a character card or an .avee file',
  description:
    '`json`, `png` and `charx` are character cards with public content: name, description, greeting, image and short public documents as a lorebook; for the owner, also the persona. `avee`, for the owner only, contains the settings, the originals of all documents with their layers, and the owner’s memories.',
  params: aveeParams,
  query: z.object({ format: z._default(z.enum(['json', 'png', 'charx', 'avee']), 'json') }),
  responses: {
    200: content({
      'application/json': z.record(z.string(), z.unknown()),
      'image/png': z.unknown(),
      'application/zip': z.unknown(),
    }),
  },
})
