import type { FastifyPluginAsync } from 'fastify'
import * as z from 'zod/mini'
import {
  createChatCompletion,
  createEmbeddings,
  createResponse,
  getModel,
  listModels,
} from '../../../contract/openai.ts'
import {
  type Completions,
  type NewCompletion,
  type OfferedModel,
  unsupported,
} from '../../completions/index.ts'
import { callerOf } from '../../http/caller.ts'
import { disconnectSignal } from '../../http/disconnect-signal.ts'
import { idempotencyKeyOf } from '../../http/idempotency.ts'
import { route } from '../../http/route.ts'
import { sendRun } from '../../http/sse.ts'
import type { ResponseFormat } from '../../models/index.ts'
import type { Runs } from '../../runs/index.ts'
import { citationsIn } from './annotations.ts'
import { toAnnotations, toFinishReason, toToolCalls, toUsage } from './chat-protocol.ts'
import { fromParts, toMessage } from './messages.ts'
import { toResponse } from './responses-protocol.ts'

type ChatBody = z.output<(typeof createChatCompletion)['body']>
type ResponseBody = z.output<(typeof createResponse)['body']>

const responsePrefix = 'resp_'

/** /v1: avees and models for software that uses OpenAI's protocol. `baseUrl` is the public address of this server. */
export const openaiRoutes =
  ({
    completions,
    runs,
    baseUrl,
  }: {
    completions: Completions
    runs: Runs
    baseUrl: string
  }): FastifyPluginAsync =>
  async (app) => {
    route(app, listModels, async (request) => ({
      object: 'list' as const,
      data: (await completions.listModels(callerOf(request))).map(presentModel),
    }))

    route(app, getModel, async (request) =>
      presentModel(await completions.getModel(callerOf(request), request.params.id)),
    )

    // Some clients, such as OpenAI's for Python, do not encode the slashes of a name.
    const unencoded = { ...getModel, path: '/v1/models/*', params: z.object({ '*': z.string() }) } as const
    route(app, unencoded, async (request) =>
      presentModel(await completions.getModel(callerOf(request), request.params['*'])),
    )

    route(app, createChatCompletion, async (request, reply) => {
      const caller = callerOf(request)
      const { body } = request
      const idempotencyKey = idempotencyKeyOf(request)
      const run = await completions.start(caller, { ...fromChat(body), idempotencyKey })
      if (body.stream) return await sendRun(request, reply, runs, run)
      reply.header('x-run-id', run.id)
      const answer = await completions.wait(caller, run, disconnectSignal(reply))
      const annotations = toAnnotations(citationsIn(answer.content, answer.citations, baseUrl))
      const tool_calls = toToolCalls(answer.toolCalls)
      return {
        id: `chatcmpl-${run.id}`,
        object: 'chat.completion' as const,
        created: Math.floor(run.createdAt.getTime() / 1000),
        model: body.model,
        choices: [
          {
            index: 0 as const,
            message: {
              role: 'assistant' as const,
              content: answer.content === '' && tool_calls.length > 0 ? null : answer.content,
              refusal: null,
              ...(annotations.length > 0 && { annotations }),
              ...(tool_calls.length > 0 && { tool_calls }),
            },
            logprobs: null,
            finish_reason: toFinishReason(answer.finishReason),
          },
        ],
        usage: toUsage(answer.usage),
        ...(answer.conversationId && { metadata: { conversation_id: answer.conversationId } }),
      }
    })

    route(app, createResponse, async (request, reply) => {
      const caller = callerOf(request)
      const { body } = request
      const idempotencyKey = idempotencyKeyOf(request)
      const run = await completions.start(caller, { ...fromResponse(body), idempotencyKey })
      if (body.stream) return await sendRun(request, reply, runs, run)
      reply.header('x-run-id', run.id)
      const answer = await completions.wait(caller, run, disconnectSignal(reply))
      return toResponse({ runId: run.id, createdAt: run.createdAt, model: body.model }, answer, baseUrl)
    })

    route(app, createEmbeddings, async (request, reply) => {
      const { model, input, encoding_format, dimensions } = request.body
      if (dimensions != null)
        throw unsupported('dimensions', 'Vectors have the size that the model gives them.')
      const texts = [input].flat()
      const { vectors, tokens } = await completions.embed(
        callerOf(request),
        model,
        texts,
        disconnectSignal(reply),
      )
      return {
        object: 'list' as const,
        model,
        data: vectors.map((vector, index) => ({
          object: 'embedding' as const,
          index,
          embedding: encoding_format === 'base64' ? toBase64(vector) : [...vector],
        })),
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      }
    })
  }

const presentModel = (model: OfferedModel) => ({
  id: model.name,
  object: 'model' as const,
  created: 'avee' in model ? Math.floor(model.avee.createdAt.getTime() / 1000) : 0,
  owned_by: 'avee' in model ? 'gabee' : model.plain.provider,
})

/** 32-bit floats in little-endian order. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4)
  return bytes.toString('base64')
}

const samplingOf = ({ temperature, top_p }: Pick<ChatBody, 'temperature' | 'top_p'>) => ({
  temperature: temperature ?? undefined,
  topP: top_p ?? undefined,
})

function fromChat(body: ChatBody): NewCompletion {
  const { tool_choice: choice } = body
  return {
    model: body.model,
    protocol: 'openai',
    messages: body.messages.map(toMessage),
    sampling: {
      ...samplingOf(body),
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
      seed: body.seed ?? undefined,
      stop: body.stop == null ? undefined : [body.stop].flat(),
    },
    rendering: { modelName: body.model, includesUsage: body.stream_options?.include_usage === true },
    tools: body.tools?.map(({ function: { name, description, parameters } }) => ({
      name,
      description: description ?? undefined,
      parameters: parameters ?? undefined,
    })),
    toolChoice: typeof choice === 'object' ? toNamedTool(choice) : choice,
    responseFormat: toResponseFormat(body.response_format),
    isStored: body.store === true,
    conversationId: body.metadata?.conversation_id,
  }
}

const toNamedTool = (choice: { function: { name: string } } | null) =>
  choice === null ? undefined : { name: choice.function.name }

function toResponseFormat(format: ChatBody['response_format']): ResponseFormat | undefined {
  if (format?.type === 'json_object') return {}
  if (format?.type !== 'json_schema') return undefined
  const { name, schema, strict } = format.json_schema
  return { name, schema, strict: strict ?? undefined }
}

function fromResponse(body: ResponseBody): NewCompletion {
  const { input, instructions, previous_response_id: previous } = body
  const messages =
    typeof input === 'string'
      ? [{ role: 'user' as const, content: input }]
      : input.map(({ role, content }) =>
          fromParts(
            role,
            typeof content === 'string'
              ? [{ type: 'text', text: content }]
              : content.map((part) =>
                  part.type === 'input_image' ? { type: part.type, image: part.image_url } : part,
                ),
          ),
        )
  return {
    model: body.model,
    protocol: 'openai-responses',
    messages: [...(instructions ? [{ role: 'system' as const, content: instructions }] : []), ...messages],
    sampling: { ...samplingOf(body), maxTokens: body.max_output_tokens ?? undefined },
    rendering: { modelName: body.model },
    isKept: body.store !== false,
    previousId: previous?.replace(responsePrefix, ''),
  }
}
