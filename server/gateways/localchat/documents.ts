import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { errorAnswer, id } from '../../../contract/common.ts'
import { layers } from '../../../contract/layers.ts'
import {
  documentEntry,
  documentListAnswer,
  documentStats,
  retrievalTestAnswer,
  retrievalTestBody,
  searchTextAnswer,
  searchTextBody,
  success,
} from '../../../contract/localchat.ts'
import type { Avee, Avees } from '../../avees/index.ts'
import { AppError, defineError, toErrorBody } from '../../errors.ts'
import { type Caller, callerOf } from '../../http/caller.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { leaving } from '../../http/leaving.ts'
import { eventStream, sendRun } from '../../http/sse.ts'
import { acceptUploads, receiveUpload, uploadForm } from '../../http/uploads.ts'
import { type Hit, type Knowledge, type ListedDocument, noFiles } from '../../knowledge/index.ts'
import type { Runs } from '../../runs/index.ts'

const tags = ['localchat']
const previewLength = 200
/** LocalChat lists everything at once; more than this is a page of /avees/local/documents. */
const mostListed = 1_000

const otherDocument = defineError(
  404,
  'document_not_found',
  () => 'There is no such document in your library.',
)
const keyForReading = defineError(
  403,
  'key_for_one_avee',
  () =>
    'This API key is for talking to an avee; the library is changed with a login or a key without that bond.',
)
const refusal = errorAnswer.extend({ success: z.literal(false).optional(), message: z.string().optional() })

/** /api/documents: the caller's own library in LocalChat's words. */
export const localchatDocumentRoutes =
  ({ knowledge, avees, runs }: { knowledge: Knowledge; avees: Avees; runs: Runs }): FastifyPluginAsyncZod =>
  async (app) => {
    const uploadLimits = { fileBytes: knowledge.limits.maxUploadBytes, files: 1_000 }
    await acceptUploads(app, uploadLimits)

    /** The library is looked up like any avee: a key that is bound to another sees none. */
    async function libraryOf(caller: Caller): Promise<Avee> {
      const library = await avees.library(caller.userId)
      return (await avees.view(caller, library.id)).avee
    }

    async function ownLibrary(caller: Caller): Promise<Avee> {
      const library = await libraryOf(caller)
      if (caller.aveeId !== null) throw keyForReading()
      return library
    }

    async function ofLibrary(library: Avee, documentId: string): Promise<ListedDocument> {
      const document = await knowledge.get(documentId, [...layers])
      if (document.avee_id !== library.id) throw otherDocument()
      return document
    }

    app.post(
      '/api/documents/upload',
      {
        schema: {
          tags,
          summary: 'Add files to the library; streams',
          description: 'Server-sent events: `message` with `stage` …, a `result` for each file, then `done`.',
          body: { content: { 'multipart/form-data': { schema: uploadForm } } },
          response: { 200: eventStream, 400: refusal },
        },
      },
      async (request, reply) => {
        try {
          const caller = callerOf(request)
          const library = await ownLibrary(caller)
          if (!request.isMultipart()) throw noFiles()
          const { files } = await receiveUpload(request, knowledge.staging, uploadLimits, () => undefined)
          if (files.length === 0) throw noFiles()
          const target = {
            userId: caller.userId,
            aveeId: library.id,
            layer: null,
            usualLayer: 'intimate' as const,
          }
          const run = await knowledge.ingest({ ...target, ...idempotencyKeyOf(request) }, files)
          return await sendRun(request, reply, runs, run.id)
        } catch (error) {
          if (!(error instanceof AppError) || error.status !== 400) throw error
          return await reply.code(400).send({ success: false, message: error.message, ...toErrorBody(error) })
        }
      },
    )

    app.get(
      '/api/documents/list',
      {
        schema: {
          tags,
          summary: 'The library’s documents, newest first',
          response: { 200: documentListAnswer },
        },
      },
      async (request) => {
        const library = await libraryOf(callerOf(request))
        const { documents } = await knowledge.list(library.id, [...layers], { limit: mostListed })
        return { success: true as const, documents: documents.map(entryOf) }
      },
    )

    app.get(
      '/api/documents/stats',
      { schema: { tags, summary: 'How much is in the library', response: { 200: documentStats } } },
      async (request) => {
        const library = await libraryOf(callerOf(request))
        const { documents, passages, embedded, averageLength } = await knowledge.stats(library.id, [
          ...layers,
        ])
        return {
          success: true as const,
          document_count: documents,
          chunk_count: passages,
          max_upload_size: knowledge.limits.maxUploadBytes,
          chunk_statistics: {
            total_chunks: passages,
            chunks_with_embeddings: embedded,
            chunks_without_embeddings: passages - embedded,
            avg_chunk_length: averageLength,
          },
        }
      },
    )

    app.delete(
      '/api/documents/clear',
      { schema: { tags, summary: 'Delete everything in the library', response: { 200: success } } },
      async (request) => {
        const library = await ownLibrary(callerOf(request))
        const count = await knowledge.clear(library.id)
        return {
          success: true as const,
          message: `${count} ${count === 1 ? 'document' : 'documents'} deleted.`,
        }
      },
    )

    app.get(
      '/api/documents/:id',
      {
        schema: {
          tags,
          summary: 'A document of the library',
          params: z.object({ id }),
          response: { 200: z.object({ success: z.literal(true), document: documentEntry }) },
        },
      },
      async (request) => {
        const library = await libraryOf(callerOf(request))
        return { success: true as const, document: entryOf(await ofLibrary(library, request.params.id)) }
      },
    )

    app.delete(
      '/api/documents/:id',
      {
        schema: {
          tags,
          summary: 'Delete a document of the library',
          params: z.object({ id }),
          response: { 200: success },
        },
      },
      async (request) => {
        const library = await ownLibrary(callerOf(request))
        const document = await ofLibrary(library, request.params.id)
        await knowledge.remove(document.id)
        return { success: true as const, message: `${nameOf(document)} deleted.` }
      },
    )

    app.post(
      '/api/documents/test',
      {
        schema: {
          tags,
          summary: 'What retrieval finds for a question, with scores',
          body: retrievalTestBody,
          response: { 200: retrievalTestAnswer },
        },
      },
      async (request, reply) => {
        const library = await libraryOf(callerOf(request))
        const { query, top_k } = request.body
        const { hits, answerable } = await knowledge.search({
          aveeId: library.id,
          layers: [...layers],
          query,
          limit: top_k,
          signal: leaving(reply),
        })
        const results = hits.map((hit) => ({ ...placeOf(hit), score: hit.score, text: hit.text }))
        return { success: true as const, query, count: results.length, answerable, results }
      },
    )

    app.post(
      '/api/documents/search-text',
      {
        schema: {
          tags,
          summary: 'Passages that hold a text literally',
          body: searchTextBody,
          response: { 200: searchTextAnswer },
        },
      },
      async (request) => {
        const library = await libraryOf(callerOf(request))
        const { search_text, limit } = request.body
        const hits = await knowledge.searchText(library.id, [...layers], search_text, limit)
        const results = hits.map((hit) => ({ ...placeOf(hit), full_text: hit.text }))
        return { success: true as const, search_text, count: results.length, results }
      },
    )
  }

const nameOf = (document: { filename: string | null; title: string }) => document.filename ?? document.title

const placeOf = (hit: Hit) => ({
  document_id: hit.documentId,
  filename: nameOf(hit),
  page: hit.page,
  passage: hit.n,
  preview: hit.text.slice(0, previewLength),
  length: hit.text.length,
})

const entryOf = (document: ListedDocument) => ({
  id: document.id,
  filename: nameOf(document),
  title: document.title,
  type: document.type,
  layer: document.layer,
  bytes: Number(document.bytes),
  pages: document.pages,
  chunk_count: document.passages,
  created_at: document.created_at.toISOString(),
})
