import type { FastifyPluginAsync } from 'fastify'
import {
  createProvider,
  deleteProvider,
  getFallbacks,
  listAvailableModels,
  listProviders,
  setFallbacks,
  testProvider,
  updateProvider,
} from '../../contract/models.ts'
import { disconnectSignal } from '../http/disconnect-signal.ts'
import { route } from '../http/route.ts'
import type { Models } from './models.ts'

/** The providers of models, and the models of all of them. */
export const modelRoutes =
  ({ models }: { models: Models }): FastifyPluginAsync =>
  async (app) => {
    route(app, listProviders, async () => ({ providers: await models.providers.list() }))
    route(app, createProvider, async ({ body }) => models.providers.create(body))
    route(app, updateProvider, async ({ params, body }) => models.providers.update(params.id, body))
    route(app, deleteProvider, async ({ params }) => {
      await models.providers.delete(params.id)
      return { ok: true as const }
    })
    route(app, testProvider, async ({ params, body }, reply) =>
      models.testProvider(params.id, body?.answer ?? false, disconnectSignal(reply)),
    )

    route(app, listAvailableModels, async () => models.available())
    route(app, getFallbacks, async () => ({ models: await models.fallbacks() }))
    route(app, setFallbacks, async ({ body }) => ({ models: await models.setFallbacks(body.models) }))
  }
