import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { aveeParams } from '../../contract/avees.ts'
import { id, ok } from '../../contract/common.ts'
import {
  document,
  documentPage,
  documentQuery,
  documentText,
  newSiteBody,
  newTextBody,
  newUrlBody,
  passage,
  patchDocumentBody,
  searchAnswer,
  searchBody,
} from '../../contract/knowledge.ts'
import { type Layer, layer as layerShape } from '../../contract/layers.ts'
import type { Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { leaving } from '../http/leaving.ts'
import { eventStream, sendRun } from '../http/sse.ts'
import { acceptUploads, receiveUpload, uploadForm } from '../http/uploads.ts'
import type { Runs } from '../runs/index.ts'
import { badCursor, badLayer, noFiles } from './errors.ts'
import type { Knowledge } from './knowledge.ts'
import { originalHeaders } from './original-headers.ts'
import { documentPolicy } from './policy.ts'
import { presentDocument, presentHit, presentPassage } from './present.ts'

const tags = ['documents']
const documentParams = z.object({ id })
const passageParams = z.object({ id, n: z.coerce.number().int().min(1) })
/** A pasted text may be five million characters. */
const textBytes = 24 * 1024 * 1024
/** Where nothing else is said: a library is its owner's alone, an avee's documents are for everybody it talks to. */
const usualLayer = (avee: { isLibrary: boolean }): Layer => (avee.isLibrary ? 'intimate' : 'public')

/** Documents of avees, and search in them. */
export const knowledgeRoutes =
  ({ knowledge, avees, runs }: { knowledge: Knowledge; avees: Avees; runs: Runs }): FastifyPluginAsyncZod =>
  async (app) => {
    const uploadLimits = { fileBytes: knowledge.limits.maxUploadBytes, files: 1_000 }
    await acceptUploads(app, uploadLimits)
    const policy = documentPolicy({ avees, knowledge })

    app.post(
      '/avees/:id/documents',
      {
        bodyLimit: textBytes,
        schema: {
          tags,
          summary: 'Add documents: files as a form (streams), or one text as JSON',
          description:
            'A form answers with the events of the ingest: `message` with `stage` …, a `result` for each file, `done`. JSON answers 201 with the document when it can be found, 200 when the same text was there already.',
          params: aveeParams,
          body: {
            content: {
              'application/json': { schema: newTextBody },
              'multipart/form-data': { schema: uploadForm },
            },
          },
          response: {
            200: {
              description: 'The events of an upload; for JSON the document that was there already.',
              content: { ...eventStream.content, 'application/json': { schema: document } },
            },
            201: document,
          },
        },
      },
      async (request, reply) => {
        const target = await targetOf(request)
        if (request.isMultipart()) {
          const upload = await receiveUpload(request, knowledge.staging, uploadLimits, layerOf)
          if (upload.files.length === 0) throw noFiles()
          const run = await knowledge.ingest({ ...target, layer: upload.fields }, upload.files)
          return await sendRun(request, reply, runs, run.id)
        }
        const { title, text, layer } = newTextBody.parse(request.body)
        const { document: row, isNew } = await knowledge.ingestText(
          { ...target, layer },
          { title, text },
          leaving(reply),
        )
        return await reply.code(isNew ? 201 : 200).send(presentDocument(row))
      },
    )

    app.post(
      '/avees/:id/documents/from-url',
      {
        schema: {
          tags,
          summary: 'Fetch a page from the public internet and add it',
          params: aveeParams,
          body: newUrlBody,
          response: { 200: document, 201: document },
        },
      },
      async (request, reply) => {
        const { url, layer } = request.body
        const target = { ...(await targetOf(request)), layer }
        const { document: row, isNew } = await knowledge.ingestUrl(target, url, leaving(reply))
        return await reply.code(isNew ? 201 : 200).send(presentDocument(row))
      },
    )

    app.post(
      '/avees/:id/documents/from-site',
      {
        schema: {
          tags,
          summary: 'Add the pages that a website’s sitemap lists under an address (streams)',
          description:
            'Finds the sitemap by the site’s robots.txt or in its usual places, or takes the address of one. Pages that robots.txt closes are left out. Answers with the events of an upload; pages that are there already are replaced when they have changed.',
          params: aveeParams,
          body: newSiteBody,
          response: { 200: eventStream },
        },
      },
      async (request, reply) => {
        const { layer, ...site } = request.body
        const target = { ...(await targetOf(request)), layer }
        const run = await knowledge.ingestSite(target, site, leaving(reply))
        return await sendRun(request, reply, runs, run.id)
      },
    )

    app.get(
      '/avees/:id/documents',
      {
        schema: {
          tags,
          summary: 'The documents that you may see, newest first',
          params: aveeParams,
          querystring: documentQuery,
          response: { 200: documentPage },
        },
      },
      async (request) => {
        const { avee, layers } = await policy.toAvee(callerOf(request), request.params.id)
        const { cursor, limit, query } = request.query
        if (cursor !== undefined && !id.safeParse(cursor).success) throw badCursor()
        const { documents, next } = await knowledge.list(avee.id, layers, {
          limit,
          cursor,
          query: query?.trim(),
        })
        return { documents: documents.map(presentDocument), next_cursor: next }
      },
    )

    app.get(
      '/documents/:id',
      { schema: { tags, summary: 'A document', params: documentParams, response: { 200: document } } },
      async (request) => {
        const { layers } = await policy.accessToDocument(callerOf(request), request.params.id)
        return presentDocument(await knowledge.get(request.params.id, layers))
      },
    )

    app.patch(
      '/documents/:id',
      {
        schema: {
          tags,
          summary: 'Change a document’s title or layer',
          params: documentParams,
          body: patchDocumentBody,
          response: { 200: document },
        },
      },
      async (request) => {
        const caller = callerOf(request)
        await changeable(caller, request.params.id)
        return presentDocument(await knowledge.updateDocument(request.params.id, caller.userId, request.body))
      },
    )

    app.delete(
      '/documents/:id',
      {
        schema: {
          tags,
          summary: 'Delete a document with all that was made of it',
          params: documentParams,
          response: { 200: ok },
        },
      },
      async (request) => {
        await changeable(callerOf(request), request.params.id)
        await knowledge.remove(request.params.id)
        return { ok: true as const }
      },
    )

    app.get(
      '/documents/:id/text',
      {
        schema: {
          tags,
          summary: 'All that was read of a document, page by page',
          params: documentParams,
          response: { 200: documentText },
        },
      },
      async (request) => {
        const { layers } = await policy.accessToDocument(callerOf(request), request.params.id)
        return { pages: await knowledge.text(request.params.id, layers) }
      },
    )

    app.get(
      '/documents/:id/file',
      {
        schema: {
          tags,
          summary: 'The original file',
          params: documentParams,
          response: {
            200: {
              description: 'The bytes.',
              content: { 'application/octet-stream': { schema: z.unknown() } },
            },
          },
        },
      },
      async (request, reply) => {
        const { layers } = await policy.accessToDocument(callerOf(request), request.params.id)
        const { document: row, open } = await knowledge.file(request.params.id, layers)
        return await reply
          .headers({ ...originalHeaders(row), 'content-length': Number(row.bytes) })
          .send(open())
      },
    )

    app.get(
      '/documents/:id/passages/:n',
      {
        schema: {
          tags,
          summary: 'One passage, with the text around it',
          params: passageParams,
          response: { 200: passage },
        },
      },
      async (request) => {
        const { layers } = await policy.accessToDocument(callerOf(request), request.params.id)
        return presentPassage(await knowledge.passage(request.params.id, layers, request.params.n))
      },
    )

    app.post(
      '/search',
      {
        schema: {
          tags,
          summary: 'Search the documents of an avee, or your library',
          body: searchBody,
          response: { 200: searchAnswer },
        },
      },
      async (request, reply) => {
        const { avee: which, query, limit } = request.body
        const caller = callerOf(request)
        const { avee, layers } = await policy.toAvee(caller, which ?? caller.aveeId ?? 'local')
        const { hits, answerable } = await knowledge.search({
          aveeId: avee.id,
          layers,
          query,
          limit,
          signal: leaving(reply),
        })
        return { query, results: hits.map(presentHit), answerable }
      },
    )

    /** For whom and into which avee a request adds documents. @throws unless the avee is the caller's own */
    async function targetOf(request: FastifyRequest<{ Params: z.infer<typeof aveeParams> }>) {
      const caller = callerOf(request)
      const { avee, assertCanChange: mayChange } = await policy.toAvee(caller, request.params.id)
      mayChange()
      return {
        userId: caller.userId,
        aveeId: avee.id,
        usualLayer: usualLayer(avee),
        ...idempotencyKeyOf(request),
      }
    }

    /** What is not the caller's to see is not there; what they see and do not own is not theirs to change. */
    async function changeable(caller: ReturnType<typeof callerOf>, documentId: string): Promise<void> {
      const { layers, assertCanChange: mayChange } = await policy.accessToDocument(caller, documentId)
      await knowledge.get(documentId, layers)
      mayChange()
    }
  }

function layerOf(fields: Record<string, string>): Layer | null {
  const text = fields['layer'] ?? ''
  if (text.trim() === '') return null
  const parsed = layerShape.safeParse(text.trim())
  if (!parsed.success) throw badLayer()
  return parsed.data
}
