import type { FastifyPluginAsync } from 'fastify'
import { createWebhook, deleteWebhook, listDeliveries, listWebhooks } from '../../contract/webhooks.ts'
import { callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import type { Webhooks } from './webhooks.ts'

/** The webhooks of avees, for their owners. */
export const webhookRoutes =
  ({ webhooks }: { webhooks: Webhooks }): FastifyPluginAsync =>
  async (app) => {
    route(app, listWebhooks, async (request) => ({
      webhooks: await webhooks.list(callerOf(request), request.params.id),
    }))

    route(app, createWebhook, async (request) =>
      webhooks.create(callerOf(request), request.params.id, request.body),
    )

    route(app, deleteWebhook, async (request) => {
      await webhooks.delete(callerOf(request), request.params.id)
      return { ok: true as const }
    })

    route(app, listDeliveries, async (request) => ({
      deliveries: await webhooks.deliveries(callerOf(request), request.params.id),
    }))
  }
