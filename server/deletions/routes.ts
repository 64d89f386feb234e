import type { FastifyPluginAsync } from 'fastify'
import { getDeletion } from '../../contract/deletions.ts'
import { defineError } from '../errors.ts'
import { route } from '../http/route.ts'
import type { Deletions } from './deletions.ts'

const deletionNotFound = defineError(404, 'deletion_not_found', () => 'Deletion not found.')

export const deletionRoutes =
  ({ deletions }: { deletions: Deletions }): FastifyPluginAsync =>
  async (app) => {
    route(app, getDeletion, async ({ params, caller }) => {
      const found = await deletions.find(params.id)
      if (!found) throw deletionNotFound()
      const { receipt, userId } = found
      if (userId !== null && userId !== caller?.userId && !caller?.isAdmin) throw deletionNotFound()
      return receipt
    })
  }
