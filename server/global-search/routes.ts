import type { FastifyPluginAsync } from 'fastify'
import { search as operation } from '../../contract/search.ts'
import { callerOf } from '../http/caller.ts'
import { disconnectSignal } from '../http/disconnect-signal.ts'
import { route } from '../http/route.ts'
import type { GlobalSearch } from './global-search.ts'

/** Search in everything that the caller may see. */
export const globalSearchRoutes =
  ({ search }: { search: GlobalSearch }): FastifyPluginAsync =>
  async (app) => {
    route(app, operation, (request, reply) =>
      search(callerOf(request), request.body, disconnectSignal(reply)),
    )
  }
