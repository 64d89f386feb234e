import { z } from 'zod'
import type { AppError } from '../../errors.ts'
import { badJson, contextLengthExceeded, notSse, truncated, upstreamError } from '../errors.ts'
import type { ChatModel, ChatRequest, ModelPart, TokenUsage } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { call, HttpFault } from '../upstream/call.ts'
import { contextLimitIn, isContextFault } from '../upstream/context-limit.ts'
import { object, textOf } from '../upstream/lines.ts'
import { errorIn, plain } from '../upstream/plain.ts'
import type { Service } from '../upstream/service.ts'
import { type Protocol, streamAnswer } from '../upstream/stream.ts'
import { thinkingSplitter } from '../upstream/thinking.ts'
import type { Patience, Watch } from '../upstream/watch.ts'
import { type ContinuationSetting, chatBody, type Dialect } from './dialect.ts'
import { eventsOf } from './events.ts'

const said = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
})
const chunk = z.object({
  choices: z
    .array(z.object({ delta: said.nullish(), message: said.nullish(), finish_reason: z.string().nullish() }))
    .nullish(),
  usage: z
    .object({ prompt_tokens: z.number().int().nullish(), completion_tokens: z.number().int().nullish() })
    .nullish(),
})

export type OpenAiChatOptions = {
  service: Service
  name: string
  patience: Patience
  tokens: TokenCounter
  continuation: ContinuationSetting
  /** What this service takes; learned from its refusals and shared between requests. */
  dialect: Dialect
  contextTokens(signal: AbortSignal): Promise<number>
  learnedLimit(limit: number): void
}

type ReadArguments = Parameters<Protocol['read']>

/** A model behind any service that speaks OpenAI's `/chat/completions`. */
export function openAiChat(options: OpenAiChatOptions): ChatModel {
  const { service, name, patience, tokens, dialect } = options

  const tooLong = (message: string) => {
    const limit = contextLimitIn(message)
    if (limit !== undefined) options.learnedLimit(limit)
    return contextLengthExceeded(name, limit)
  }
  const errorSaid = (error: string) =>
    isContextFault(error) ? tooLong(error) : upstreamError(service, plain(error, service))

  async function send(request: ChatRequest, signal: AbortSignal) {
    for (;;) {
      const body = chatBody(name, request, dialect, options.continuation)
      try {
        return await call(service, { method: 'POST', path: '/chat/completions', body, signal })
      } catch (thrown) {
        if (!(thrown instanceof HttpFault)) throw thrown
        if (isContextFault(thrown.body)) throw tooLong(thrown.body)
        if (thrown.upstreamStatus !== 400 && thrown.upstreamStatus !== 422) throw thrown
        if (!dialect.adapt(thrown.body, body)) throw thrown
      }
    }
  }

  async function* read(
    request: ChatRequest,
    ...[response, signal, watch]: ReadArguments
  ): AsyncGenerator<ModelPart> {
    const type = response.headers.get('content-type') ?? ''
    const answer = new Answer(watch)
    if (/^$|text\/(?:event-stream|plain)/i.test(type)) {
      try {
        for await (const data of eventsOf(response, service, signal)) {
          if (data === '[DONE]') break
          yield* answer.take(object(data, service), service, errorSaid)
        }
      } catch (thrown) {
        // With a finish reason the answer is whole, whatever becomes of the counts that may follow.
        if (answer.reason === undefined || (signal.aborted && !watch.signal.aborted)) throw thrown
      }
    } else if (/json/i.test(type)) {
      // Some services answer whole although a stream was asked for.
      let text = ''
      for await (const piece of textOf(response, service, signal)) text += piece
      yield* answer.take(object(text, service), service, errorSaid)
    } else {
      await response.body?.cancel()
      throw notSse(service, plain(type, service))
    }
    if (answer.reason === undefined) throw truncated(service)
    yield* answer.rest()
    const { promptTokens } = answer.usage
    if (promptTokens !== null) tokens.learn(name, request.messages, promptTokens)
    yield { type: 'finish', reason: answer.reason, usage: answer.usage }
  }

  return {
    name,
    provider: 'openai',
    remote: service.remote,
    continuation: options.continuation === 'none' ? 'instruct' : 'trailing',
    contextTokens: (signal) => options.contextTokens(signal),
    stream: (request, signal) =>
      streamAnswer(
        service,
        { send: (all) => send(request, all), read: (...rest) => read(request, ...rest) },
        patience,
        signal,
      ),
  }
}

/** What the chunks of one answer add up to. */
class Answer {
  reason: Extract<ModelPart, { type: 'finish' }>['reason'] | undefined
  usage: TokenUsage = { promptTokens: null, completionTokens: null }
  readonly #splitter = thinkingSplitter()
  readonly #watch: Watch

  constructor(watch: Watch) {
    this.#watch = watch
  }

  *take(json: object, service: Service, errorSaid: (error: string) => AppError): Generator<ModelPart> {
    const error = errorIn(json)
    if (error !== undefined) throw errorSaid(error)
    const parsed = chunk.safeParse(json)
    if (!parsed.success) throw badJson(service)
    const { choices, usage } = parsed.data
    if (usage)
      this.usage = {
        promptTokens: usage.prompt_tokens ?? null,
        completionTokens: usage.completion_tokens ?? null,
      }
    const choice = choices?.[0]
    const words = choice?.delta ?? choice?.message
    const thinking = words?.reasoning_content ?? words?.reasoning
    if (thinking) yield { type: 'thinking', text: thinking }
    if (words?.content) yield* this.#splitter.add(words.content)
    if (!choice?.finish_reason) return
    this.reason = reasons[choice.finish_reason] ?? 'other'
    this.#watch.ending()
  }

  rest(): ModelPart[] {
    return this.#splitter.end()
  }
}

const reasons: Record<string, Answer['reason']> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  content_filter: 'filter',
}
