import { z } from 'zod'
import { id, pageOf, pageQuery, time } from './common.ts'
import { layer } from './layers.ts'

export const documentSource = z.enum(['upload', 'text', 'url', 'folder'])

export const document = z
  .object({
    id,
    avee_id: id,
    title: z.string(),
    filename: z.string().nullable(),
    type: z.string().describe('pdf, docx, md, txt, html …'),
    source: documentSource,
    source_url: z.string().nullable(),
    layer,
    bytes: z.number().int(),
    pages: z.number().int(),
    passages: z.number().int(),
    language: z.string().nullable().describe('ISO 639-3, as far as it could be told.'),
    embedded: z.boolean().describe('True when every passage has a vector of the present embedding model.'),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Document' })
export type Document = z.infer<typeof document>

export const documentPage = pageOf('documents', document)
export const documentQuery = pageQuery

export const newTextBody = z.object({
  title: z.string().trim().min(1).max(300),
  text: z.string().min(1).max(5_000_000),
  layer: layer.default('public'),
})
export const newUrlBody = z.object({
  url: z.url({ protocol: /^https?$/ }).max(2_000),
  layer: layer.default('public'),
})
export const newSiteBody = newUrlBody.extend({
  limit: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('The most pages; the server has a limit too.'),
})
/** A folder of the server's machine whose files are an avee's documents. */
export const folder = z
  .object({
    id,
    path: z.string(),
    layer,
    documents: z.number().int(),
    failed: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .describe('Files that could not be read.'),
    problem: z.string().nullable().describe('Why the folder itself cannot be followed at the moment.'),
    looked_at: time.nullable(),
    created_at: time,
  })
  .meta({ id: 'Folder' })
export type Folder = z.infer<typeof folder>
export const folderList = z.object({
  folders: z.array(folder),
  allowed: z.array(z.string()).describe('The folders in which folders may be followed: WATCH_FOLDERS.'),
})
export const newFolderBody = z.object({
  path: z.string().trim().min(1).max(4_000),
  layer: layer.default('public'),
})
export const folderRemoval = z.object({
  documents: z.enum(['keep', 'remove']).default('keep').describe('What becomes of its documents.'),
})
export const patchDocumentBody = z.object({
  title: z.string().trim().min(1).max(300).optional(),
  layer: layer.optional(),
})
export const documentText = z.object({
  pages: z.array(z.object({ page: z.number().int(), text: z.string() })),
})
export const passage = z
  .object({
    document_id: id,
    title: z.string(),
    filename: z.string().nullable(),
    passage: z.number().int(),
    page: z.number().int().nullable(),
    heading: z.string().nullable(),
    start: z.number().int(),
    end: z.number().int(),
    text: z.string(),
    before: z.string().describe('The passage before it, for context; empty at the start.'),
    after: z.string(),
    layer,
  })
  .meta({ id: 'Passage' })
export type Passage = z.infer<typeof passage>

export const searchBody = z.object({
  avee: z.string().max(100).optional().describe('Id or handle; the caller’s library when left out.'),
  query: z.string().trim().min(1).max(1_000),
  limit: z.number().int().min(1).max(50).default(10),
})
export const searchHit = z
  .object({
    document_id: id,
    title: z.string(),
    filename: z.string().nullable(),
    page: z.number().int().nullable(),
    passage: z.number().int(),
    start: z.number().int(),
    end: z.number().int(),
    text: z.string(),
    score: z.number(),
    layer,
  })
  .meta({ id: 'SearchHit' })
export type SearchHit = z.infer<typeof searchHit>
export const searchAnswer = z.object({
  query: z.string(),
  results: z.array(searchHit),
  answerable: z.boolean().describe('False when nothing found fits the question.'),
})

/** The events of an upload, in the order they come; a `result` for every file, `done` at the end. */
export const ingestProgressEvent = z.object({
  message: z.string(),
  stage: z.enum(['parse', 'chunk', 'embed', 'store']).optional(),
  file: z.string().optional(),
  completed: z.number().int().optional(),
  total: z.number().int().optional(),
})
export const ingestResult = z.object({
  success: z.boolean(),
  filename: z.string(),
  message: z.string(),
  code: z
    .string()
    .optional()
    .describe('Of a failed file: encrypted, empty, corrupt, no_text, unsupported_type, too_large …'),
  doc_id: id.optional(),
  chunks: z.number().int().optional(),
  pages: z.number().int().optional(),
  duplicate: z.boolean().optional(),
  replaced: z.boolean().optional().describe('True when the file took the place of an older version.'),
})
export type IngestResult = z.infer<typeof ingestResult>
export const ingestResultEvent = z.object({ result: ingestResult })
export const ingestDoneEvent = z.object({ done: z.literal(true), total_documents: z.number().int() })
