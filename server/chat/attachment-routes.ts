import type { FastifyPluginAsync } from 'fastify'
import { createAttachments, listAttachments } from '../../contract/attachments.ts'
import { id } from '../../contract/common.ts'
import { callerOf } from '../http/caller.ts'
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { route } from '../http/route.ts'
import { sendRun } from '../http/sse.ts'
import { acceptUploads, receiveUpload } from '../http/uploads.ts'
import { type Knowledge, noFiles, presentDocument } from '../knowledge/index.ts'
import type { Runs } from '../runs/index.ts'
import type { Chat } from './chat.ts'
import { malformedConversationId } from './errors.ts'

const maxFiles = 20

/** Attachments of conversations. */
export const attachmentRoutes =
  ({ chat, runs, knowledge }: { chat: Chat; runs: Runs; knowledge: Knowledge }): FastifyPluginAsync =>
  async (app) => {
    const uploadLimits = { maxFileBytes: knowledge.limits.maxUploadBytes, maxFiles }
    await acceptUploads(app, uploadLimits)

    route(app, createAttachments, async (request, reply) => {
      if (!request.isMultipart()) throw noFiles()
      const { files, fields } = await receiveUpload(
        request,
        knowledge.staging,
        uploadLimits,
        ({ conversation_id }) => {
          const parsed = id.safeParse(conversation_id)
          if (!parsed.success) throw malformedConversationId()
          return parsed.data
        },
      )
      if (files.length === 0) throw noFiles()
      try {
        const run = await chat.attachments.add(callerOf(request), fields, files, idempotencyKeyOf(request))
        await sendRun(request, reply, runs, run)
      } finally {
        // Files that now belong to a run are not deleted.
        const staged = files.flatMap((file) => ('staged' in file ? [file.staged] : []))
        await Promise.all(staged.map(knowledge.staging.discard))
      }
    })

    route(app, listAttachments, async (request) => {
      const documents = await chat.attachments.list(callerOf(request), request.params.id, request.query)
      return { attachments: documents.map(presentDocument) }
    })
  }
