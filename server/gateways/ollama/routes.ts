import { createHash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type * as z from 'zod/mini'
import {
  chat,
  embed,
  embedOne,
  generate,
  getRoot,
  getVersion,
  listLoaded,
  listModels,
  type OllamaMessage,
  showModel,
} from '../../../contract/ollama.ts'
import {
  type CompletedAnswer,
  type Completions,
  type NewCompletion,
  type OfferedModel,
  unsupported,
} from '../../completions/index.ts'
import { callerOf } from '../../http/caller.ts'
import { disconnectSignal } from '../../http/disconnect-signal.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { acceptJson } from '../../http/json-body.ts'
import { route } from '../../http/route.ts'
import { sendRun } from '../../http/sse.ts'
import type { ChatImage, ChatMessage } from '../../models/index.ts'
import type { Runs } from '../../runs/index.ts'
import { modelMissing } from './errors.ts'
import { toEnd, toToolCalls } from './protocol.ts'

type ChatBody = z.output<(typeof chat)['body']>
type GenerateBody = z.output<(typeof generate)['body']>
type Sampled = Pick<ChatBody, 'model' | 'format' | 'options'>

/** The version of Ollama whose API this implements; clients compare it with their minimum. */
const version = '0.12.6'

/** Go's zero time, which Ollama's own clients show as unknown. */
const unknownTime = '0001-01-01T00:00:00Z'

/** /ollama/api: avees and models for software that uses Ollama's protocol. */
export const ollamaRoutes =
  ({ completions, runs }: { completions: Completions; runs: Runs }): FastifyPluginAsync =>
  async (app) => {
    // The curl commands in Ollama's documentation send JSON without its content type.
    acceptJson(app, '*')

    /** Sends a stream and returns undefined, or waits for the answer. */
    async function answer(
      request: FastifyRequest,
      reply: FastifyReply,
      completion: NewCompletion,
      isStream: boolean,
    ): Promise<(CompletedAnswer & { createdAt: Date }) | undefined> {
      const caller = callerOf(request)
      const idempotencyKey = idempotencyKeyOf(request)
      const run = await completions.start(caller, { ...completion, idempotencyKey })
      if (isStream) {
        await sendRun(request, reply, runs, run, { isNdjson: true })
        return undefined
      }
      reply.header('x-run-id', run.id)
      const finished = await completions.wait(caller, run, disconnectSignal(reply))
      return { ...finished, createdAt: run.createdAt }
    }

    route(app, getRoot, async (_request, reply) =>
      reply.type('text/plain').code(200).send('Ollama is running'),
    )

    route(app, getVersion, async () => ({ version }))

    route(app, listModels, async (request) => ({
      models: (await completions.listModels(callerOf(request))).map(presentModel),
    }))

    route(app, showModel, async (request) => {
      const name = request.body.model ?? request.body.name
      if (name === undefined) throw modelMissing()
      const model = await completions.getModel(callerOf(request), withoutTag(name))
      const { details, modified_at } = presentModel(model)
      const context = 'plain' in model ? model.plain.context_length : null
      return {
        license: '',
        modelfile: '',
        parameters: '',
        template: '',
        details,
        modified_at,
        model_info: {
          'general.architecture': details.family,
          ...(context === null ? {} : { [`${details.family}.context_length`]: context }),
        },
        capabilities: 'plain' in model ? model.plain.capabilities : ['completion'],
      }
    })

    route(app, listLoaded, async (request) => {
      const models = await completions.listModels(callerOf(request))
      return {
        models: models.flatMap((model) =>
          'plain' in model && model.plain.size !== null && model.plain.loaded
            ? {
                ...presentModel(model),
                size: model.plain.memory ?? model.plain.size,
                expires_at: unknownTime,
                size_vram: model.plain.gpu_memory ?? 0,
              }
            : [],
        ),
      }
    })

    route(app, chat, async (request, reply) => {
      const { body } = request
      const messages = toMessages(body.messages ?? [])
      const head = { model: body.model, message: { role: 'assistant' as const, content: '' } }
      if (messages.length === 0) {
        await completions.getModel(callerOf(request), withoutTag(body.model))
        return { ...head, created_at: new Date().toISOString(), done: true, done_reason: 'load' as const }
      }
      const tools = body.tools?.map(({ function: { name, description, parameters } }) => ({
        name,
        description: description ?? undefined,
        parameters: parameters ?? undefined,
      }))
      const completion = { ...toCompletion(body), protocol: 'ollama', messages, tools }
      const finished = await answer(request, reply, completion, body.stream !== false)
      if (finished === undefined) return undefined
      const tool_calls = toToolCalls(finished.toolCalls)
      const { content, createdAt, finishReason, usage } = finished
      return {
        model: body.model,
        created_at: createdAt.toISOString(),
        message: { role: 'assistant' as const, content, ...(tool_calls.length > 0 && { tool_calls }) },
        ...toEnd({ finish_reason: finishReason, usage }),
      }
    })

    route(app, generate, async (request, reply) => {
      const { body } = request
      if (!body.prompt) {
        await completions.getModel(callerOf(request), withoutTag(body.model))
        const created_at = new Date().toISOString()
        return { model: body.model, created_at, response: '', done: true, done_reason: 'load' as const }
      }
      const completion = {
        ...toCompletion(body),
        protocol: 'ollama-generate',
        messages: fromPrompt({ ...body, prompt: body.prompt }),
      }
      const finished = await answer(request, reply, completion, body.stream !== false)
      if (finished === undefined) return undefined
      const { content, createdAt, finishReason, usage } = finished
      return {
        model: body.model,
        created_at: createdAt.toISOString(),
        response: content,
        ...toEnd({ finish_reason: finishReason, usage }),
      }
    })

    route(app, embed, async (request, reply) => {
      const { model, input } = request.body
      const texts = [input].flat()
      const { vectors, tokens } = await completions.embed(
        callerOf(request),
        model,
        texts,
        disconnectSignal(reply),
      )
      return { model, embeddings: vectors.map((vector) => [...vector]), prompt_eval_count: tokens }
    })

    route(app, embedOne, async (request, reply) => {
      const { model, prompt } = request.body
      const { vectors } = await completions.embed(callerOf(request), model, [prompt], disconnectSignal(reply))
      return { embedding: [...(vectors[0] ?? [])] }
    })
  }

/** Clients add the default tag to names without one. An avee has no tags. */
const withoutTag = (name: string) =>
  name.toLowerCase().startsWith('avee/') ? (name.split(':', 1)[0] ?? '') : name

function presentModel(model: OfferedModel) {
  const family = 'avee' in model ? 'gabee' : model.plain.provider
  const fallback = {
    modified_at: ('avee' in model ? model.avee.updatedAt : new Date(0)).toISOString(),
    digest: createHash('sha256')
      .update('avee' in model ? model.avee.id : model.name)
      .digest('hex'),
  }
  const plain = 'plain' in model ? model.plain : undefined
  return {
    name: model.name,
    model: model.name,
    modified_at: plain?.modified_at ?? fallback.modified_at,
    size: plain?.size ?? 0,
    digest: plain?.digest ?? fallback.digest,
    details: {
      parent_model: '',
      format: '',
      family,
      families: [family],
      parameter_size: '',
      quantization_level: '',
    },
  }
}

function toCompletion({ model, format, options }: Sampled): Omit<NewCompletion, 'messages' | 'protocol'> {
  const limit = options?.num_predict ?? -1
  return {
    model: withoutTag(model),
    sampling: {
      temperature: options?.temperature ?? undefined,
      topP: options?.top_p ?? undefined,
      seed: options?.seed ?? undefined,
      maxTokens: limit > 0 ? limit : undefined,
      stop: options?.stop == null ? undefined : [options.stop].flat(),
    },
    rendering: { modelName: model },
    responseFormat: format ? { ...(typeof format === 'object' && { schema: format }) } : undefined,
  }
}

const fromPrompt = ({ prompt, system, images }: GenerateBody & { prompt: string }): ChatMessage[] => [
  ...(system ? [{ role: 'system' as const, content: system }] : []),
  { role: 'user', content: prompt, ...(images?.length && { images: images.map(readImage) }) },
]

/** Gives tool calls ids, which Ollama lacks, and each result the id of the call with its name. */
function toMessages(messages: OllamaMessage[]): ChatMessage[] {
  const open: { id: string; name: string }[] = []
  return messages.map(({ role, content, images, tool_calls, tool_name }, at) => {
    const toolCalls = tool_calls?.map(({ function: called }, index) => ({
      id: `call_${at}_${index}`,
      name: called.name,
      arguments: JSON.stringify(called.arguments),
    }))
    open.push(...(toolCalls ?? []))
    const found = open.findIndex(({ name }) => tool_name == null || name === tool_name)
    const [answered] = role === 'tool' && found >= 0 ? open.splice(found, 1) : []
    return {
      role,
      content: content ?? '',
      ...(images?.length && { images: images.map(readImage) }),
      ...(toolCalls && { toolCalls }),
      ...(answered && { toolCallId: answered.id }),
    }
  })
}

/** The media types of images by the first characters of their Base64. */
const imageTypes: [string, string][] = [
  ['iVBOR', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
]

function readImage(data: string): ChatImage {
  const mediaType = imageTypes.find(([start]) => data.startsWith(start))?.[1]
  if (mediaType === undefined) throw unsupported('images', 'Images must be PNG, JPEG, GIF or WebP in Base64.')
  return { mediaType, data }
}
