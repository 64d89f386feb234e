import { open } from 'node:fs/promises'
import type { FastifyPluginAsync } from 'fastify'
import { exportAvee, importAvee } from '../../../contract/cards.ts'
import { presentAvee } from '../../avees/index.ts'
import { callerOf } from '../../http/caller.ts'
import { route } from '../../http/route.ts'
import { acceptUploads, receiveUpload } from '../../http/uploads.ts'
import { fileTooLarge, noFile, ownerExportsAll } from './errors.ts'
import { exporter } from './export.ts'
import { type ImportDependencies, importer } from './import.ts'

/** An .avee file contains many documents, each of which may have the size of an upload. */
const documentsPerFile = 20

/** Character cards and .avee files. */
export const cardRoutes =
  ({ avees, knowledge, memory, models }: ImportDependencies): FastifyPluginAsync =>
  async (app) => {
    const maxFileBytes = knowledge.limits.maxUploadBytes * documentsPerFile
    const uploadLimits = { maxFileBytes, maxFiles: 1 }
    await acceptUploads(app, uploadLimits)
    const importFile = importer({ avees, knowledge, memory, models })
    const exports = exporter({ knowledge, memory })

    route(app, importAvee, async (request, reply) => {
      if (!request.isMultipart()) throw noFile()
      const { files } = await receiveUpload(request, knowledge.staging, uploadLimits, () => undefined)
      const [file] = files
      if (!file) throw noFile()
      if ('refused' in file) throw fileTooLarge(Math.floor(maxFileBytes / 1024 / 1024))
      try {
        const { path } = file.staged
        const imported = await importFile(callerOf(request), path, await isZip(path), maxFileBytes)
        const { id } = imported.card.avee
        request.audited = { target: id }
        void reply.header('location', `/avees/${id}`)
        return {
          avee: presentAvee(imported.card),
          documents: imported.documents,
          run_ids: imported.runs,
          not_taken_over: imported.notTakenOver,
        }
      } finally {
        await knowledge.staging.discard(file.staged)
      }
    })

    route(app, exportAvee, async (request, reply) => {
      const caller = callerOf(request)
      const { format } = request.query
      const view = await avees.view(caller, request.params.id)
      const { handle } = view.avee
      const extension = format === 'json' ? 'card.json' : format === 'png' ? 'card.png' : format
      void reply.header('content-disposition', `attachment; filename="${handle}.${extension}"`)
      if (format === 'json') return (await exports.json(view)) as Record<string, unknown>
      if (format === 'png')
        return await reply
          .type('image/png')
          .code(200)
          .send(await exports.png(view))
      if (format === 'avee' && !(view.isOwner && caller.aveeId === null)) throw ownerExportsAll()
      const archive = await (format === 'avee' ? exports.avee(caller, view) : exports.charx(view))
      return await reply.type('application/zip').code(200).send(archive)
    })
  }

async function isZip(path: string): Promise<boolean> {
  await using file = await open(path)
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
  return buffer.toString('latin1') === 'PK\x03\x04'
}
