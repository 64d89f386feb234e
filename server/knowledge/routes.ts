import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import {
  createDocumentFromUrl,
  createDocuments,
  createDocumentsFromSite,
  deleteDocument,
  getDocument,
  getDocumentFile,
  getDocumentText,
  getPageWords,
  getPassage,
  listDocuments,
  restoreDocument,
  updateDocument,
} from '../../contract/knowledge.ts'
import { type Layer, layer as layerShape } from '../../contract/layers.ts'
import type { Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { disconnectSignal } from '../http/disconnect-signal.ts'
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { route } from '../http/route.ts'
import { sendRun } from '../http/sse.ts'
import { acceptUploads, receiveUpload } from '../http/uploads.ts'
import { checkIdCursor } from '../paging.ts'
import type { Runs } from '../runs/index.ts'
import { attachmentLayer, badLayer, documentNotFound, noFiles } from './errors.ts'
import type { Knowledge } from './knowledge.ts'
import { originalHeaders } from './original-headers.ts'
import { documentPolicy } from './policy.ts'
import { presentDocument, presentPassage } from './present.ts'

/** A library is private to its owner; an avee's documents are for everyone who chats with it. */
const defaultLayer = (avee: { isLibrary: boolean }): Layer => (avee.isLibrary ? 'intimate' : 'public')

/** Documents of avees. */
export const knowledgeRoutes =
  ({ knowledge, avees, runs }: { knowledge: Knowledge; avees: Avees; runs: Runs }): FastifyPluginAsync =>
  async (app) => {
    const uploadLimits = { maxFileBytes: knowledge.limits.maxUploadBytes, maxFiles: 1_000 }
    await acceptUploads(app, uploadLimits)
    const policy = documentPolicy({ avees, knowledge })

    route(app, createDocuments, async (request, reply) => {
      const target = await targetOf(request)
      if (request.isMultipart()) {
        const upload = await receiveUpload(request, knowledge.staging, uploadLimits, layerOf)
        if (upload.files.length === 0) throw noFiles()
        const run = await knowledge.ingest({ ...target, layer: upload.fields }, upload.files)
        await sendRun(request, reply, runs, run)
        return
      }
      if (!request.body) throw noFiles()
      const { title, text, layer } = request.body
      const { document: row, isNew } = await knowledge.ingestText(
        { ...target, layer },
        { title, text },
        disconnectSignal(reply),
      )
      return await reply.code(isNew ? 201 : 200).send(presentDocument(row))
    })

    route(app, createDocumentFromUrl, async (request, reply) => {
      const { url, layer } = request.body
      const target = { ...(await targetOf(request)), layer }
      const { document: row, isNew } = await knowledge.ingestUrl(target, url, disconnectSignal(reply))
      return await reply.code(isNew ? 201 : 200).send(presentDocument(row))
    })

    route(app, createDocumentsFromSite, async (request, reply) => {
      const { layer, ...site } = request.body
      const target = { ...(await targetOf(request)), layer }
      const run = await knowledge.ingestSite(target, site, disconnectSignal(reply))
      await sendRun(request, reply, runs, run)
    })

    route(app, listDocuments, async (request) => {
      const { avee, layers, assertCanChange } = await policy.accessToAvee(
        callerOf(request),
        request.params.id,
      )
      const { cursor, limit, query, trash: inTrash } = request.query
      if (inTrash) assertCanChange()
      checkIdCursor(cursor)
      const { documents, next } = await knowledge.list(avee.id, layers, {
        limit,
        cursor,
        query: query?.trim(),
        inTrash,
      })
      return { documents: documents.map(presentDocument), next_cursor: next }
    })

    route(app, getDocument, async (request) => {
      const { layers } = await policy.accessToDocument(callerOf(request), request.params.id)
      return presentDocument(await knowledge.get(request.params.id, layers))
    })

    route(app, updateDocument, async (request) => {
      const caller = callerOf(request)
      const { isAttachment } = await assertCanChangeDocument(caller, request.params.id)
      if (isAttachment && request.body.layer !== undefined) throw attachmentLayer()
      return presentDocument(await knowledge.updateDocument(request.params.id, request.body))
    })

    route(app, deleteDocument, async (request) => {
      const caller = callerOf(request)
      const { id } = request.params
      const { permanent = false } = request.query
      if (permanent && (await knowledge.isInTrash(id))) await assertCanChangeTrash(caller, id)
      else await assertCanChangeDocument(caller, id)
      return { deleted: true as const, receipt: await knowledge.delete(caller.userId, id, permanent) }
    })

    route(app, restoreDocument, async (request) => {
      await assertCanChangeTrash(callerOf(request), request.params.id)
      return presentDocument(await knowledge.restore(request.params.id))
    })

    route(app, getDocumentText, async (request) => {
      const { layers } = await policy.accessToDocument(callerOf(request), request.params.id)
      return { pages: await knowledge.text(request.params.id, layers) }
    })

    route(app, getPageWords, async (request) => {
      const { id, page } = request.params
      const { layers } = await policy.accessToDocument(callerOf(request), id)
      return { words: await knowledge.pageWords(id, layers, page) }
    })

    route(app, getDocumentFile, async (request, reply) => {
      const { layers } = await policy.accessToDocument(callerOf(request), request.params.id)
      const { document: row, open } = await knowledge.file(request.params.id, layers)
      return await reply
        .headers({ ...originalHeaders(row), 'content-length': Number(row.bytes) })
        .code(200)
        .send(open())
    })

    route(app, getPassage, async (request) => {
      const { layers } = await policy.accessToDocument(callerOf(request), request.params.id)
      return presentPassage(await knowledge.passage(request.params.id, layers, request.params.n))
    })

    /** Returns where a request adds documents. @throws unless the caller owns the avee */
    async function targetOf(request: FastifyRequest<{ Params: { id: string } }>) {
      const caller = callerOf(request)
      const { avee, assertCanChange } = await policy.accessToAvee(caller, request.params.id)
      assertCanChange()
      return {
        userId: caller.userId,
        aveeId: avee.id,
        usualLayer: defaultLayer(avee),
        idempotencyKey: idempotencyKeyOf(request),
      }
    }

    /** @throws 404 unless the caller owns the avee of the document */
    async function assertCanChangeTrash(
      caller: ReturnType<typeof callerOf>,
      documentId: string,
    ): Promise<void> {
      const { isOwner, assertCanChange } = await policy.accessToDocument(caller, documentId)
      if (!isOwner) throw documentNotFound()
      assertCanChange()
    }

    /** Returns the caller's access. @throws 404 if they may not see the document, 403 if they may not change it */
    async function assertCanChangeDocument(caller: ReturnType<typeof callerOf>, documentId: string) {
      const access = await policy.accessToDocument(caller, documentId)
      await knowledge.get(documentId, access.layers)
      access.assertCanChange()
      return access
    }
  }

function layerOf(fields: Record<string, string>): Layer | null {
  const text = fields['layer'] ?? ''
  if (text.trim() === '') return null
  const parsed = layerShape.safeParse(text.trim())
  if (!parsed.success) throw badLayer()
  return parsed.data
}
