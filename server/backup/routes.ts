import { PassThrough } from 'node:stream'
import type { FastifyPluginAsync } from 'fastify'
import { createBackup } from '../../contract/admin.ts'
import { route } from '../http/route.ts'
import type { Backup } from './backup.ts'

export const backupRoutes =
  ({ backup }: { backup: Backup }): FastifyPluginAsync =>
  async (app) => {
    const closing = new AbortController()
    app.addHook('preClose', async () => closing.abort())

    route(app, createBackup, async (request, reply) => {
      const body = new PassThrough()
      const name = `gabee-${new Date().toISOString().slice(0, 10)}.backup`
      backup.write(body, closing.signal).then(
        ({ damaged }) => {
          if (damaged.length > 0) request.log.warn({ files: damaged }, 'original files are damaged')
        },
        (error: Error) => body.destroy(error),
      )
      return reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename="${name}"`)
        .code(200)
        .send(body)
    })
  }
