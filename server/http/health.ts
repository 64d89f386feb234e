import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { health, readiness } from '../../contract/common.ts'

export type Readiness = z.infer<typeof readiness>

/** /health says that the process answers, and touches nothing; /health/ready that it can do its work. */
export const healthRoutes =
  (ready: () => Promise<Readiness>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/health',
      {
        schema: { tags: ['server'], summary: 'Is the server up', response: { 200: health } },
        config: { access: 'public', untouched: true },
      },
      async () => ({ ok: true as const }),
    )

    app.get(
      '/health/ready',
      {
        schema: {
          tags: ['server'],
          summary: 'Can the server do its work: its store and its models',
          response: { 200: readiness, 503: readiness },
        },
        config: { access: 'public' },
      },
      async (_request, reply) => {
        const answer = await ready()
        return reply.code(answer.ok ? 200 : 503).send(answer)
      },
    )
  }
