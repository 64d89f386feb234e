import type { FastifyPluginAsync } from 'fastify'
import { createShare, deleteShare, getShare, listShares } from '../../../contract/shares.ts'
import { callerOf } from '../../http/caller.ts'
import { publicOrigin } from '../../http/public-origin.ts'
import { route } from '../../http/route.ts'
import type { Shares } from './shares.ts'

/** Links to conversations. */
export const shareRoutes =
  ({ shares, publicUrl }: { shares: Shares; publicUrl: string | null }): FastifyPluginAsync =>
  async (app) => {
    route(app, createShare, async (request) => {
      const share = await shares.create(callerOf(request), request.params.id, request.body?.expires_in)
      return { ...share, url: `${publicOrigin(request, publicUrl)}/s/${share.token}` }
    })

    route(app, listShares, async (request) => ({
      shares: await shares.list(callerOf(request), request.params.id),
    }))

    route(app, deleteShare, async (request) => {
      await shares.delete(callerOf(request), request.params.id)
      return { ok: true as const }
    })

    route(app, getShare, async (request, reply) => {
      void reply.header('x-robots-tag', 'noindex')
      return await shares.read(request.params.id)
    })
  }
