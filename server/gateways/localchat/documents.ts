import type { FastifyPluginAsync } from 'fastify'
import { layers } from '../../../contract/layers.ts'
import {
  clearLibrary,
  deleteLibraryDocument,
  getLibraryDocument,
  getLibraryStats,
  listLibrary,
  searchText,
  testRetrieval,
  uploadToLibrary,
} from '../../../contract/localchat.ts'
import type { Avee, Avees } from '../../avees/index.ts'
import { AppError, defineError, toErrorBody } from '../../errors.ts'
import { type Caller, callerOf } from '../../http/caller.ts'
import { disconnectSignal } from '../../http/disconnect-signal.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { route } from '../../http/route.ts'
import { sendRun } from '../../http/sse.ts'
import { acceptUploads, receiveUpload } from '../../http/uploads.ts'
import {
  documentNotFound,
  type Hit,
  type Knowledge,
  type ListedDocument,
  noFiles,
} from '../../knowledge/index.ts'
import type { Runs } from '../../runs/index.ts'

const previewCharacters = 200
/** LocalChat lists all documents at once. Larger libraries are paged at /avees/local/documents. */
const maxListed = 1_000

const keyBoundToAvee = defineError(
  403,
  'key_for_one_avee',
  () => 'This API key is restricted to one avee. Sign in or use an unrestricted key to change the library.',
)

/** /api/documents: the caller's library, in LocalChat's format. */
export const localchatDocumentRoutes =
  ({ knowledge, avees, runs }: { knowledge: Knowledge; avees: Avees; runs: Runs }): FastifyPluginAsync =>
  async (app) => {
    const uploadLimits = { maxFileBytes: knowledge.limits.maxUploadBytes, maxFiles: 1_000 }
    await acceptUploads(app, uploadLimits)

    /** Returns the caller's library. @throws 404 for an API key that is restricted to another avee */
    async function getLibrary(caller: Caller): Promise<Avee> {
      const library = await avees.library(caller.userId)
      return (await avees.view(caller, library.id)).avee
    }

    async function getWritableLibrary(caller: Caller): Promise<Avee> {
      const library = await getLibrary(caller)
      if (caller.aveeId !== null) throw keyBoundToAvee()
      return library
    }

    async function getDocument(library: Avee, documentId: string): Promise<ListedDocument> {
      const document = await knowledge.get(documentId, [...layers])
      if (document.avee_id !== library.id) throw documentNotFound()
      return document
    }

    route(app, uploadToLibrary, async (request, reply) => {
      try {
        const caller = callerOf(request)
        const library = await getWritableLibrary(caller)
        if (!request.isMultipart()) throw noFiles()
        const { files } = await receiveUpload(request, knowledge.staging, uploadLimits, () => undefined)
        if (files.length === 0) throw noFiles()
        const target = {
          userId: caller.userId,
          aveeId: library.id,
          layer: null,
          usualLayer: 'intimate' as const,
        }
        const run = await knowledge.ingest({ ...target, idempotencyKey: idempotencyKeyOf(request) }, files)
        await sendRun(request, reply, runs, run)
      } catch (error) {
        if (!(error instanceof AppError) || error.status !== 400) throw error
        return await reply.code(400).send({ success: false, message: error.message, ...toErrorBody(error) })
      }
    })

    route(app, listLibrary, async (request) => {
      const library = await getLibrary(callerOf(request))
      const { documents } = await knowledge.list(library.id, [...layers], { limit: maxListed })
      return { success: true as const, documents: documents.map(presentDocument) }
    })

    route(app, getLibraryStats, async (request) => {
      const library = await getLibrary(callerOf(request))
      const { documents, passages, embedded, averageLength } = await knowledge.stats(library.id, [...layers])
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
    })

    route(app, clearLibrary, async (request) => {
      const caller = callerOf(request)
      const library = await getWritableLibrary(caller)
      request.audited = { target: library.id }
      const receipt = await knowledge.deleteAll(caller.userId, library.id, request.query.permanent)
      const { documents: count = 0 } = receipt
      return {
        success: true as const,
        deleted: true as const,
        receipt,
        message: `${count} ${count === 1 ? 'document' : 'documents'} deleted.`,
      }
    })

    route(app, getLibraryDocument, async (request) => {
      const library = await getLibrary(callerOf(request))
      return {
        success: true as const,
        document: presentDocument(await getDocument(library, request.params.id)),
      }
    })

    route(app, deleteLibraryDocument, async (request) => {
      const caller = callerOf(request)
      const library = await getWritableLibrary(caller)
      const document = await getDocument(library, request.params.id)
      const receipt = await knowledge.delete(caller.userId, document.id, request.query.permanent)
      const message = `${nameOf(document)} deleted.`
      return { success: true as const, message, deleted: true as const, receipt }
    })

    route(app, testRetrieval, async (request, reply) => {
      const library = await getLibrary(callerOf(request))
      const { query, top_k } = request.body
      const { hits, answerable } = await knowledge.search({
        aveeId: library.id,
        layers: [...layers],
        query,
        limit: top_k,
        signal: disconnectSignal(reply),
      })
      const results = hits.map((hit) => ({ ...presentHit(hit), score: hit.score, text: hit.text }))
      return { success: true as const, query, count: results.length, answerable, results }
    })

    route(app, searchText, async (request) => {
      const library = await getLibrary(callerOf(request))
      const { search_text, limit } = request.body
      const hits = await knowledge.searchText(library.id, [...layers], search_text, limit)
      const results = hits.map((hit) => ({ ...presentHit(hit), full_text: hit.text }))
      return { success: true as const, search_text, count: results.length, results }
    })
  }

const nameOf = (document: { filename: string | null; title: string }) => document.filename ?? document.title

const presentHit = (hit: Hit) => ({
  document_id: hit.documentId,
  filename: nameOf(hit),
  page: hit.page,
  passage: hit.n,
  preview: hit.text.slice(0, previewCharacters),
  length: hit.text.length,
})

const presentDocument = (document: ListedDocument) => ({
  ...document,
  filename: nameOf(document),
  bytes: Number(document.bytes),
  chunk_count: document.passages,
})
