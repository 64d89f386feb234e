import type { FastifyPluginAsync } from 'fastify'
import { importConversations } from '../../contract/conversations.ts'
import { callerOf } from '../http/caller.ts'
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { route } from '../http/route.ts'
import { sendRun } from '../http/sse.ts'
import { acceptUploads, receiveUpload } from '../http/uploads.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Runs } from '../runs/index.ts'
import type { Chat } from './chat.ts'
import { exportDamaged, noExportFile } from './errors.ts'

/** POST /conversations/import: conversations of other programs. */
export const importRoutes =
  ({ chat, runs, knowledge }: { chat: Chat; runs: Runs; knowledge: Knowledge }): FastifyPluginAsync =>
  async (app) => {
    const uploadLimits = { maxFileBytes: knowledge.limits.maxUnpackedBytes, maxFiles: 1 }
    await acceptUploads(app, uploadLimits)

    route(app, importConversations, async (request, reply) => {
      if (!request.isMultipart()) throw noExportFile()
      const upload = await receiveUpload(
        request,
        knowledge.staging,
        uploadLimits,
        ({ avee }) => avee?.trim() || undefined,
      )
      const [file] = upload.files
      if (!file) throw noExportFile()
      if ('refused' in file) throw exportDamaged('it is too large.')
      try {
        const avee = request.query.avee ?? upload.fields ?? 'local'
        const key = idempotencyKeyOf(request)
        const run = await chat.importFile(callerOf(request), avee, file.staged, key)
        await sendRun(request, reply, runs, run)
      } finally {
        // A file that now belongs to a run is not deleted.
        await knowledge.staging.discard(file.staged)
      }
    })
  }
