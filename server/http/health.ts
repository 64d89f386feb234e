import type { FastifyPluginAsync } from 'fastify'
import { getHealth, getReadiness, type Readiness } from '../../contract/server.ts'
import { route } from './route.ts'

/** /health reports that the process responds, without touching the database; /health/ready that it can work. */
export const healthRoutes =
  (checkReadiness: () => Promise<Readiness>): FastifyPluginAsync =>
  async (app) => {
    route(app, getHealth, async () => ({ ok: true as const }), { skipsAuthentication: true })

    route(app, getReadiness, async (_request, reply) => {
      const readiness = await checkReadiness()
      return reply.code(readiness.ok ? 200 : 503).send(readiness)
    })
  }
