import type { FastifyPluginAsync } from 'fastify'
import type { Avees } from '../../avees/index.ts'
import { allowFraming } from '../../http/security-headers.ts'

const access = 'public' as const

/** The script that shows an avee on other websites, and the page in its frame. */
export const embedRoutes =
  ({ avees }: { avees: Avees }): FastifyPluginAsync =>
  async (app) => {
    app.get('/embed.js', { config: { access } }, async (_request, reply) =>
      reply.header('cross-origin-resource-policy', 'cross-origin').sendFile('embed.js', { maxAge: '1h' }),
    )

    app.get<{ Params: { avee: string } }>('/embed/:avee', { config: { access } }, async (request, reply) => {
      allowFraming(reply, await avees.embedOrigins(request.params.avee))
      return await reply.header('cache-control', 'no-cache').sendFile('embed.html', { cacheControl: false })
    })
  }
