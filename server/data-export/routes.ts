import type { FastifyPluginAsync } from 'fastify'
import { exportData } from '../../contract/data-export.ts'
import { callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import type { DataExport } from './data-export.ts'

/** The export of everything that the caller owns. */
export const dataExportRoutes =
  ({ dataExport }: { dataExport: DataExport }): FastifyPluginAsync =>
  async (app) => {
    route(app, exportData, async (request, reply) => {
      const archive = await dataExport(callerOf(request))
      const day = new Date().toISOString().slice(0, 10)
      return reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename="gabee-${day}.zip"`)
        .code(200)
        .send(archive)
    })
  }
