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
import { type Hit, type Knowledge, type ListedDocument, noFiles } from '../../knowledge/index.ts'
import type { Runs } from '../../runs/index.ts'

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

/** /api/documents: the caller's own library in LocalChat's words. */
export const localchatDocumentRoutes =
  ({ knowledge, avees, runs }: { knowledge: Knowledge; avees: Avees; runs: Runs }): FastifyPluginAsync =>
  async (app) => {
    const uploadLimits = { maxFileBytes: knowledge.limits.maxUploadBytes, maxFiles: 1_000 }
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

    route(app, uploadToLibrary, async (request, reply) => {
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
        await sendRun(request, reply, runs, run.id)
      } catch (error) {
        if (!(error instanceof AppError) || error.status !== 400) throw error
        return await reply.code(400).send({ success: false, message: error.message, ...toErrorBody(error) })
      }
    })

    route(app, listLibrary, async (request) => {
      const library = await libraryOf(callerOf(request))
      const { documents } = await knowledge.list(library.id, [...layers], { limit: mostListed })
      return { success: true as const, documents: documents.map(entryOf) }
    })

    route(app, getLibraryStats, async (request) => {
      const library = await libraryOf(callerOf(request))
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
      const library = await ownLibrary(callerOf(request))
      const count = await knowledge.clear(library.id)
      return {
        success: true as const,
        message: `${count} ${count === 1 ? 'document' : 'documents'} deleted.`,
      }
    })

    route(app, getLibraryDocument, async (request) => {
      const library = await libraryOf(callerOf(request))
      return { success: true as const, document: entryOf(await ofLibrary(library, request.params.id)) }
    })

    route(app, deleteLibraryDocument, async (request) => {
      const library = await ownLibrary(callerOf(request))
      const document = await ofLibrary(library, request.params.id)
      await knowledge.remove(document.id)
      return { success: true as const, message: `${nameOf(document)} deleted.` }
    })

    route(app, testRetrieval, async (request, reply) => {
      const library = await libraryOf(callerOf(request))
      const { query, top_k } = request.body
      const { hits, answerable } = await knowledge.search({
        aveeId: library.id,
        layers: [...layers],
        query,
        limit: top_k,
        signal: disconnectSignal(reply),
      })
      const results = hits.map((hit) => ({ ...placeOf(hit), score: hit.score, text: hit.text }))
      return { success: true as const, query, count: results.length, answerable, results }
    })

    route(app, searchText, async (request) => {
      const library = await libraryOf(callerOf(request))
      const { search_text, limit } = request.body
      const hits = await knowledge.searchText(library.id, [...layers], search_text, limit)
      const results = hits.map((hit) => ({ ...placeOf(hit), full_text: hit.text }))
      return { success: true as const, search_text, count: results.length, results }
    })
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
