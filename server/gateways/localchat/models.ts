import type { FastifyPluginAsync } from 'fastify'
import {
  deleteModel,
  getActiveModel,
  listModels,
  pullModel,
  setActiveModel,
  testModel,
  unloadModel,
} from '../../../contract/models.ts'
import { defineError } from '../../errors.ts'
import { callerOf } from '../../http/caller.ts'
import { disconnectSignal } from '../../http/disconnect-signal.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { route } from '../../http/route.ts'
import { sendRun } from '../../http/sse.ts'
import type { Models } from '../../models/index.ts'
import type { Runs } from '../../runs/index.ts'

const missingModel = defineError(
  400,
  'model_missing',
  () => 'Name the model: {"model": "llama3.2:1b"} or ?model=llama3.2:1b.',
)

/** /api/models: installed models, the active model, downloads. */
export const localchatModelRoutes =
  ({ models, runs }: { models: Models; runs: Runs }): FastifyPluginAsync =>
  async (app) => {
    route(app, listModels, async () => ({ success: true as const, ...(await models.list()) }))

    route(app, getActiveModel, async () => ({ success: true as const, ...(await models.active()) }))

    route(app, setActiveModel, async (request) => {
      const name = request.body.model
      request.audited = { target: name }
      return { success: true as const, ...(await models.setActive(name)) }
    })

    route(app, deleteModel, async (request) => {
      const name = request.body?.model ?? request.query.model
      if (name === undefined) throw missingModel()
      request.audited = { target: name }
      const successor = await models.delete(name)
      const message = `The model ${name} was deleted.`
      return successor === undefined
        ? { success: true as const, message }
        : {
            success: true as const,
            message: `${message} It was the active model; ${successor} answers now.`,
            active_model: successor,
          }
    })

    route(app, pullModel, async (request, reply) => {
      const { userId } = callerOf(request)
      const { run } = await models.pull({
        userId,
        model: request.body.model,
        idempotencyKey: idempotencyKeyOf(request),
      })
      await sendRun(request, reply, runs, run)
    })

    route(app, testModel, async ({ body }, reply) => {
      const result = await models.test(body.model, disconnectSignal(reply))
      return { success: true as const, model: body.model, result }
    })

    route(app, unloadModel, async ({ body }) => {
      await models.unload(body.model)
      return { success: true as const, message: `The model ${body.model} was unloaded.` }
    })
  }
