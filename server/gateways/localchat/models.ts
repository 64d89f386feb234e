import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { success, testModelAnswer, testModelBody } from '../../../contract/localchat.ts'
import { activeModel, modelBody, modelList, modelName } from '../../../contract/models.ts'
import { defineError } from '../../errors.ts'
import { callerOf } from '../../http/caller.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { eventStream, sendRun } from '../../http/sse.ts'
import type { Models } from '../../models/index.ts'
import type { Runs } from '../../runs/index.ts'

const nameMissing = defineError(
  400,
  'model_missing',
  () => 'Name the model, as JSON {"model": "llama3.2:1b"} or as ?model=llama3.2:1b.',
)

const tags = ['localchat']

/** /api/models: what is installed, which model answers, downloads. */
export const localchatModelRoutes =
  ({ models, runs }: { models: Models; runs: Runs }): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/models',
      {
        schema: {
          tags,
          summary: 'Every model that can be used, with its size and what it can do',
          response: { 200: modelList },
        },
      },
      async () => ({ success: true as const, ...(await models.list()) }),
    )

    app.get(
      '/api/models/active',
      { schema: { tags, summary: 'The model that answers, and why', response: { 200: activeModel } } },
      async () => ({ success: true as const, ...(await models.active()) }),
    )

    app.post(
      '/api/models/active',
      {
        schema: {
          tags,
          summary: 'Choose the model that answers unless another is asked for',
          body: modelBody,
          response: { 200: activeModel },
        },
        config: { access: 'admin' },
      },
      async ({ body }) => ({
        success: true as const,
        ...(await models.setActive(body.model)),
      }),
    )

    app.delete(
      '/api/models/delete',
      {
        schema: {
          tags,
          summary: 'Delete a local model from the disk',
          querystring: z.object({ model: modelName.optional() }),
          body: modelBody.nullish(),
          response: { 200: success },
        },
        config: { access: 'admin' },
      },
      async ({ body, query }) => {
        const name = body?.model ?? query.model
        if (name === undefined) throw nameMissing()
        await models.delete(name)
        return { success: true as const, message: `The model ${name} was deleted.` }
      },
    )

    app.post(
      '/api/models/pull',
      {
        schema: {
          tags,
          summary: 'Download a model; streams',
          description:
            'Server-sent events: Ollama’s own progress objects, unchanged, the last one `{"status":"success"}`. A failed download ends with `{"error":"…","code":"…","message":"…"}`. Two requests for one model read one run.',
          body: modelBody,
          response: { 200: eventStream },
        },
        config: { access: 'admin' },
      },
      async (request, reply) => {
        const { userId } = callerOf(request)
        const { run } = await models.pull({ userId, model: request.body.model, ...idempotencyKeyOf(request) })
        await sendRun(request, reply, runs, run.id)
      },
    )

    app.post(
      '/api/models/test',
      {
        schema: {
          tags,
          summary: 'A few words from a model, to see that it works',
          body: testModelBody,
          response: { 200: testModelAnswer },
        },
      },
      async ({ body }, reply) => {
        const left = new AbortController()
        reply.raw.once('close', () => left.abort())
        const result = await models.test(body.model, left.signal)
        return { success: true as const, model: body.model, result }
      },
    )

    app.post(
      '/api/models/unload',
      {
        schema: {
          tags,
          summary: 'Free the memory that a loaded model takes',
          body: modelBody,
          response: { 200: success },
        },
        config: { access: 'admin' },
      },
      async ({ body }) => {
        await models.unload(body.model)
        return { success: true as const, message: `The model ${body.model} was unloaded.` }
      },
    )
  }
