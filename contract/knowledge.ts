import * as z from 'zod/mini'
import {
  aveeParams,
  component,
  describe,
  id,
  idempotencyHeaders,
  idParams,
  ok,
  pageOf,
  pageQuery,
  text,
  timestamp,
} from './common.ts'
import { deleted, deletionQuery, restorableUntil, trashFilter } from './deletions.ts'
import { layer, layers } from './layers.ts'
import { content, operation } from './operation.ts'
import { runEvents } from './runs.ts'

/** Whether the documents answer a question. */
export const answerability = describe(
  z.enum(['yes', 'unsure', 'no']),
  '`yes`: the passages answer it; `unsure`: they are the closest ones found; `no`: no passage matches.',
)
export type Answerability = z.infer<typeof answerability>

export const documentSource = z.enum(['upload', 'text', 'url', 'folder'])

export const document = component(
  'Document',
  z.object({
    id,
    avee_id: describe(id, 'For an attachment, the id of its conversation.'),
    title: z.string(),
    filename: z.nullable(z.string()),
    type: describe(z.string(), 'pdf, docx, md, txt, html …'),
    source: documentSource,
    source_url: z.nullable(z.string()),
    layer,
    bytes: z.int(),
    pages: z.int(),
    passages: z.int(),
    language: describe(z.nullable(z.string()), 'ISO 639-3; null if it could not be detected.'),
    embedded: describe(z.boolean(), 'True if every passage has a vector of the current embedding model.'),
    created_at: timestamp,
    updated_at: timestamp,
    restorable_until: restorableUntil,
  }),
)
export type Document = z.infer<typeof document>

const tags = ['documents'] as const
const title = text(300)

/** A multipart form; the server reads it as a stream, so only its description matters here. */
export const uploadForm = z.unknown().register(z.globalRegistry, {
  type: 'object',
  properties: {
    files: { type: 'array', items: { type: 'string', format: 'binary' } },
    layer: { type: 'string', enum: [...layers] },
  },
  required: ['files'],
})

const ingestResult = z.object({
  success: z.boolean(),
  filename: z.string(),
  message: z.string(),
  code: z.optional(
    describe(
      z.string(),
      'The reason of the failure: encrypted, empty, corrupt, no_text, unsupported_type, too_large …',
    ),
  ),
  doc_id: z.optional(id),
  chunks: z.optional(z.int()),
  pages: z.optional(z.int()),
  duplicate: z.optional(z.boolean()),
  replaced: z.optional(describe(z.boolean(), 'True if it replaced an older version.')),
})
export type IngestResult = z.infer<typeof ingestResult>

/** The events of an upload: progress …, a result for each file, done. */
export const ingestEvents = {
  ...runEvents,
  result: component('IngestResultEvent', z.object({ result: ingestResult })),
  done: component('IngestDoneEvent', z.object({ done: z.literal(true), total_documents: z.int() })),
  message: component(
    'IngestProgressEvent',
    z.object({
      message: z.string(),
      stage: z.optional(z.enum(['parse', 'chunk', 'embed', 'store'])),
      file: z.optional(z.string()),
      completed: z.optional(z.int()),
      total: z.optional(z.int()),
    }),
  ),
}

export const createDocuments = operation({
  method: 'POST',
  path: '/avees/:id/documents',
  work: 'uploads',
  tags,
  summary: 'Add documents',
  description:
    'Files as a form: the response streams the progress of the upload. A text as JSON: 201 with the document once it is searchable, 200 if the avee already has the same text.',
  /** Texts of up to five million characters. */
  maxBodyBytes: 24 * 1024 * 1024,
  params: aveeParams,
  headers: idempotencyHeaders,
  body: content({
    'application/json': z.object({
      title,
      text: z.string().check(z.minLength(1), z.maxLength(5_000_000)),
      layer: z._default(layer, 'public'),
    }),
    'multipart/form-data': uploadForm,
  }),
  responses: { 200: document, 201: document },
  events: ingestEvents,
})

const page = z.object({
  url: z.url({ protocol: /^https?$/ }).check(z.maxLength(2_000)),
  layer: z._default(layer, 'public'),
})

export const createDocumentFromUrl = operation({
  method: 'POST',
  path: '/avees/:id/documents/from-url',
  work: 'uploads',
  tags,
  summary: 'Add a page from the public internet',
  params: aveeParams,
  headers: idempotencyHeaders,
  body: page,
  responses: { 200: document, 201: document },
})

export const createDocumentsFromSite = operation({
  method: 'POST',
  path: '/avees/:id/documents/from-site',
  work: 'uploads',
  tags,
  summary: 'Add the pages of a website and stream the progress',
  description:
    'Reads the sitemap that robots.txt names, the sitemap at a common path, or the sitemap at `url`. Skips pages that robots.txt disallows, and replaces documents whose page has changed.',
  params: aveeParams,
  headers: idempotencyHeaders,
  body: z.extend(page, {
    limit: z.optional(
      describe(
        z.int().check(z.minimum(1), z.maximum(100_000)),
        'The maximum number of pages; `MAX_SITE_PAGES` applies as well.',
      ),
    ),
  }),
  events: ingestEvents,
})

export const listDocuments = operation({
  method: 'GET',
  path: '/avees/:id/documents',
  tags,
  summary: 'List documents',
  description: 'Newest first; only documents within the caller’s layer. The trash is for the owner.',
  params: aveeParams,
  query: z.extend(pageQuery, { trash: trashFilter }),
  responses: { 200: pageOf('documents', document) },
})

export const getDocument = operation({
  method: 'GET',
  path: '/documents/:id',
  tags,
  summary: 'Get a document',
  access: 'visitor',
  params: idParams,
  responses: { 200: document },
})

export const updateDocument = operation({
  method: 'PATCH',
  path: '/documents/:id',
  tags,
  summary: 'Update the title or the layer of a document',
  audit: 'document.update',
  params: idParams,
  body: z.object({ title: z.optional(title), layer: z.optional(layer) }),
  responses: { 200: document },
})

export const deleteDocument = operation({
  method: 'DELETE',
  path: '/documents/:id',
  tags,
  summary: 'Delete a document',
  audit: 'document.delete',
  description:
    'Also deletes its text, passages and vectors. It is in the trash until the time in the receipt, unless `permanent` is true.',
  params: idParams,
  query: deletionQuery,
  responses: { 200: deleted },
})

export const restoreDocument = operation({
  method: 'POST',
  path: '/documents/:id/restore',
  tags,
  summary: 'Restore a document from the trash',
  description: 'Returns 409 if there is a newer document from the same source.',
  params: idParams,
  responses: { 200: document },
})

export const getDocumentText = operation({
  method: 'GET',
  path: '/documents/:id/text',
  tags,
  summary: 'Get the extracted text of a document',
  access: 'visitor',
  params: idParams,
  responses: { 200: z.object({ pages: z.array(z.object({ page: z.int(), text: z.string() })) }) },
})

const share = z.number().check(z.minimum(0))

export const getPageWords = operation({
  method: 'GET',
  path: '/documents/:id/pages/:page/words',
  tags,
  summary: 'Get the recognized words of a scanned page',
  access: 'visitor',
  params: z.extend(idParams, { page: z.coerce.number().check(z.int(), z.minimum(1)) }),
  responses: {
    200: z.object({
      words: describe(
        z.array(z.object({ text: z.string(), left: share, top: share, width: share, height: share })),
        'In reading order, with boxes in shares of the width and height of the page, from its upper left corner. Empty for a page with embedded text.',
      ),
    }),
  },
})

export const getDocumentFile = operation({
  method: 'GET',
  path: '/documents/:id/file',
  tags,
  summary: 'Download the original file',
  access: 'visitor',
  params: idParams,
  responses: { 200: content({ 'application/octet-stream': z.unknown() }) },
})

export const passage = component(
  'Passage',
  z.object({
    document_id: id,
    title: z.string(),
    filename: z.nullable(z.string()),
    passage: z.int(),
    page: z.nullable(z.int()),
    heading: z.nullable(z.string()),
    start: z.int(),
    end: z.int(),
    text: z.string(),
    before: describe(z.string(), 'The previous passage; empty at the start of the document.'),
    after: z.string(),
    layer,
  }),
)
export type Passage = z.infer<typeof passage>

export const getPassage = operation({
  method: 'GET',
  path: '/documents/:id/passages/:n',
  tags,
  summary: 'Get a passage and its context',
  access: 'visitor',
  params: z.extend(idParams, { n: z.coerce.number().check(z.int(), z.minimum(1)) }),
  responses: { 200: passage },
})

export const searchHit = component(
  'SearchHit',
  z.object({
    document_id: id,
    title: z.string(),
    filename: z.nullable(z.string()),
    page: z.nullable(z.int()),
    passage: z.int(),
    start: z.int(),
    end: z.int(),
    text: z.string(),
    score: z.number(),
    layer,
  }),
)
export type SearchHit = z.infer<typeof searchHit>

/** A folder on the server’s machine that is synced with the documents of an avee. */
export const folder = component(
  'Folder',
  z.object({
    id,
    path: z.string(),
    layer,
    documents: z.int(),
    failed: describe(
      z.array(z.object({ path: z.string(), message: z.string() })),
      'Files that could not be parsed.',
    ),
    problem: describe(z.nullable(z.string()), 'Why the folder cannot be synced at the moment.'),
    looked_at: describe(z.nullable(timestamp), 'Time of the last scan.'),
    created_at: timestamp,
  }),
)
export type Folder = z.infer<typeof folder>

export const listFolders = operation({
  method: 'GET',
  path: '/avees/:id/folders',
  tags,
  summary: 'List synced folders',
  access: 'admin',
  params: aveeParams,
  responses: {
    200: z.object({
      folders: z.array(folder),
      allowed: describe(z.array(z.string()), 'Folders must be inside one of these: WATCH_FOLDERS.'),
    }),
  },
})

export const createFolder = operation({
  method: 'POST',
  path: '/avees/:id/folders',
  work: 'uploads',
  tags,
  summary: 'Sync a folder on the server’s machine',
  audit: 'folder.create',
  access: 'admin',
  params: aveeParams,
  body: z.object({ path: text(4_000), layer: z._default(layer, 'public') }),
  responses: { 201: folder },
})

export const deleteFolder = operation({
  method: 'DELETE',
  path: '/avees/:id/folders/:folder',
  tags,
  summary: 'Stop syncing a folder',
  audit: 'folder.delete',
  access: 'admin',
  params: z.extend(aveeParams, { folder: id }),
  query: z.object({
    documents: z._default(
      describe(z.enum(['keep', 'remove']), 'Whether to keep or delete its documents.'),
      'keep',
    ),
  }),
  responses: { 200: ok },
})
