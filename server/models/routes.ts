import type { FastifyPluginAsync } from 'fastify'
import {
  createProvider,
  deleteCatalogueModel,
  deleteProvider,
  downloadModel,
  getCatalogue,
  getFallbacks,
  installChatEngine,
  listAvailableModels,
  listProviders,
  setFallbacks,
  testProvider,
  updateProvider,
} from '../../contract/models.ts'
import { callerOf } from '../http/caller.ts'
import { disconnectSignal } from '../http/disconnect-signal.ts'
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { route } from '../http/route.ts'
import { sendRun } from '../http/sse.ts'
import type { Runs } from '../runs/index.ts'
import type { Models } from './models.ts'

/** The providers of models, the models of all of them, and the catalogue of those that run in this process. */
export const modelRoutes =
  ({ models, runs }: { models: Models; runs: Runs }): FastifyPluginAsync =>
  async (app) => {
    route(app, listProviders, async () => ({ providers: await models.providers.list() }))
    route(app, createProvider, async ({ body }) => models.providers.create(body))
    route(app, updateProvider, async ({ params, body }) => models.providers.update(params.id, body))
    route(app, deleteProvider, async ({ params }) => {
      const successor = await models.deleteProvider(params.id)
      return { ok: true as const, ...(successor !== undefined && { active_model: successor }) }
    })
    route(app, testProvider, async ({ params, body }, reply) =>
      models.testProvider(params.id, body?.answer ?? false, disconnectSignal(reply)),
    )

    route(app, getCatalogue, async () => models.catalogue())
    route(app, downloadModel, async (request, reply) => {
      const { userId } = callerOf(request)
      const { run } = await models.download({
        userId,
        id: request.body.id,
        idempotencyKey: idempotencyKeyOf(request),
      })
      await sendRun(request, reply, runs, run)
    })
    route(app, installChatEngine, async (request, reply) => {
      const { userId } = callerOf(request)
      const { run } = await models.installChatEngine({ userId, idempotencyKey: idempotencyKeyOf(request) })
      await sendRun(request, reply, runs, run)
    })
    route(app, deleteCatalogueModel, async ({ params }) => {
      const successor = await models.deleteInProcess(params.id)
      return { ok: true as const, ...(successor !== undefined && { active_model: successor }) }
    })

    route(app, listAvailableModels, async () => models.available())
    route(app, getFallbacks, async () => ({ models: await models.fallbacks() }))
    route(app, setFallbacks, async ({ body }) => ({ models: await models.setFallbacks(body.models) }))
  }
