import { z } from 'zod'
import { badJson, contextLengthExceeded, notSse, truncated, upstreamError } from '../errors.ts'
import type { ChatModel, ChatRequest, ModelPart } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { parseJsonLines } from '../upstream/body.ts'
import { isContextLengthError, parseContextLimit } from '../upstream/context-limit.ts'
import { errorMessageOf, sanitizeMessage } from '../upstream/error-message.ts'
import { HttpError, sendRequest } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'
import { type Protocol, streamAnswer } from '../upstream/stream.ts'
import { createThinkingSplitter } from '../upstream/thinking-splitter.ts'
import type { Timeouts } from '../upstream/timeouts.ts'

const chunk = z.object({
  message: z.object({ content: z.string().nullish(), thinking: z.string().nullish() }).nullish(),
  done: z.boolean().nullish(),
  done_reason: z.string().nullish(),
  prompt_eval_count: z.number().int().nullish(),
  eval_count: z.number().int().nullish(),
})

/** Time that Ollama keeps a model in memory after an answer. */
const keepAlive = '10m'

type ReadArguments = Parameters<Protocol['read']>

export type OllamaChatOptions = {
  service: ModelService
  name: string
  timeouts: Timeouts
  tokens: TokenCounter
  /** The context window to load the model with, constant per model. */
  numCtx: (signal: AbortSignal) => Promise<number>
  /** Receives the context limit that a rejected prompt reported. */
  onContextLimit: (limit: number) => void
}

/** A model in Ollama, through `/api/chat`: its OpenAI-compatible API has neither num_ctx nor keep_alive. */
export function createOllamaChat({
  service,
  name,
  timeouts,
  tokens,
  numCtx,
  onContextLimit,
}: OllamaChatOptions): ChatModel {
  const toContextError = (message: string) => {
    const limit = parseContextLimit(message)
    if (limit !== undefined) onContextLimit(limit)
    return contextLengthExceeded(name, limit)
  }

  async function* read(
    request: ChatRequest,
    ...[response, signal]: ReadArguments
  ): AsyncGenerator<ModelPart> {
    const type = response.headers.get('content-type') ?? ''
    if (!/^$|json|text\/plain/i.test(type)) {
      await response.body?.cancel()
      throw notSse(service, sanitizeMessage(type, service))
    }
    const splitter = createThinkingSplitter()
    for await (const object of parseJsonLines(response, service, signal)) {
      const error = errorMessageOf(object)
      if (error !== undefined)
        throw isContextLengthError(error)
          ? toContextError(error)
          : upstreamError(service, sanitizeMessage(error, service))
      const parsed = chunk.safeParse(object)
      if (!parsed.success) throw badJson(service)
      const { message, done, done_reason, prompt_eval_count, eval_count } = parsed.data
      if (message?.thinking) yield { type: 'thinking', text: message.thinking }
      if (message?.content) yield* splitter.add(message.content)
      if (!done) continue
      yield* splitter.end()
      if (prompt_eval_count) tokens.calibrate(name, request.messages, prompt_eval_count)
      yield {
        type: 'finish',
        reason:
          done_reason === 'length' ? 'length' : done_reason === 'stop' || !done_reason ? 'stop' : 'other',
        usage: { promptTokens: prompt_eval_count ?? null, completionTokens: eval_count ?? null },
      }
      return
    }
    throw truncated(service)
  }

  return {
    name,
    provider: 'ollama',
    remote: service.remote,
    continuation: 'trailing',
    contextTokens: numCtx,

    async *stream(request, signal) {
      const body = {
        model: name,
        messages: request.messages,
        stream: true,
        // Both are true by default and silently drop parts of the prompt.
        truncate: false,
        shift: false,
        keep_alive: keepAlive,
        options: {
          num_ctx: await numCtx(signal),
          ...(request.maxTokens === undefined ? {} : { num_predict: request.maxTokens }),
          ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
          ...(request.stop === undefined ? {} : { stop: request.stop }),
        },
      }
      const send = async (all: AbortSignal) => {
        try {
          return await sendRequest(service, { method: 'POST', path: '/api/chat', body, signal: all })
        } catch (thrown) {
          if (thrown instanceof HttpError && isContextLengthError(thrown.body))
            throw toContextError(thrown.body)
          throw thrown
        }
      }
      yield* streamAnswer(service, { send, read: (...rest) => read(request, ...rest) }, timeouts, signal)
    },
  }
}
