import { z } from 'zod'
import { badJson, contextLengthExceeded, notSse, truncated, upstreamError } from '../errors.ts'
import type { ChatModel, ChatRequest, ModelPart } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { call, HttpFault } from '../upstream/call.ts'
import { contextLimitIn, isContextFault } from '../upstream/context-limit.ts'
import { objectsOf } from '../upstream/lines.ts'
import { errorIn, plain } from '../upstream/plain.ts'
import type { Service } from '../upstream/service.ts'
import { type Protocol, streamAnswer } from '../upstream/stream.ts'
import { thinkingSplitter } from '../upstream/thinking.ts'
import type { Patience } from '../upstream/watch.ts'

const chunk = z.object({
  message: z.object({ content: z.string().nullish(), thinking: z.string().nullish() }).nullish(),
  done: z.boolean().nullish(),
  done_reason: z.string().nullish(),
  prompt_eval_count: z.number().int().nullish(),
  eval_count: z.number().int().nullish(),
})

/** How long a model stays in memory after an answer. */
const keepAlive = '10m'

type ReadArguments = Parameters<Protocol['read']>

export type OllamaChatOptions = {
  service: Service
  name: string
  patience: Patience
  tokens: TokenCounter
  /** The context to load the model with: always the same for a model, as another value would load it anew. */
  numCtx: (signal: AbortSignal) => Promise<number>
  /** What the model was found to be able to read at most. */
  learnedLimit: (limit: number) => void
}

/** A model in Ollama, over its own `/api/chat`: its OpenAI-compatible route knows neither context nor keep_alive. */
export function ollamaChat({
  service,
  name,
  patience,
  tokens,
  numCtx,
  learnedLimit,
}: OllamaChatOptions): ChatModel {
  const tooLong = (message: string) => {
    const limit = contextLimitIn(message)
    if (limit !== undefined) learnedLimit(limit)
    return contextLengthExceeded(name, limit)
  }

  async function* read(
    request: ChatRequest,
    ...[response, signal]: ReadArguments
  ): AsyncGenerator<ModelPart> {
    const type = response.headers.get('content-type') ?? ''
    if (!/^$|json|text\/plain/i.test(type)) {
      await response.body?.cancel()
      throw notSse(service, plain(type, service))
    }
    const splitter = thinkingSplitter()
    for await (const object of objectsOf(response, service, signal)) {
      const error = errorIn(object)
      if (error !== undefined)
        throw isContextFault(error) ? tooLong(error) : upstreamError(service, plain(error, service))
      const parsed = chunk.safeParse(object)
      if (!parsed.success) throw badJson(service)
      const { message, done, done_reason, prompt_eval_count, eval_count } = parsed.data
      if (message?.thinking) yield { type: 'thinking', text: message.thinking }
      if (message?.content) yield* splitter.add(message.content)
      if (!done) continue
      yield* splitter.end()
      if (prompt_eval_count) tokens.learn(name, request.messages, prompt_eval_count)
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
        // Both are true by default and drop parts of the prompt without a word.
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
          return await call(service, { method: 'POST', path: '/api/chat', body, signal: all })
        } catch (thrown) {
          if (thrown instanceof HttpFault && isContextFault(thrown.body)) throw tooLong(thrown.body)
          throw thrown
        }
      }
      yield* streamAnswer(service, { send, read: (...rest) => read(request, ...rest) }, patience, signal)
    },
  }
}
