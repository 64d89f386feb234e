import { z } from 'zod'
import type { AppError } from '../../errors.ts'
import { badJson, contextLengthExceeded, notSse, truncated, upstreamError } from '../errors.ts'
import type { ChatModel, ChatRequest, ModelPart, TokenUsage } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { decodeBody, parseObject } from '../upstream/body.ts'
import { isContextLengthError, parseContextLimit } from '../upstream/context-limit.ts'
import { errorMessageOf, sanitizeMessage } from '../upstream/error-message.ts'
import { HttpError, sendRequest } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'
import { type Protocol, streamAnswer } from '../upstream/stream.ts'
import { createThinkingSplitter } from '../upstream/thinking-splitter.ts'
import type { Timeouts, TimeoutWatch } from '../upstream/timeouts.ts'
import { buildChatBody, type ContinuationSetting, type SupportedParameters } from './parameters.ts'
import { parseSse } from './sse.ts'

const content = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
})
const chunk = z.object({
  choices: z
    .array(
      z.object({ delta: content.nullish(), message: content.nullish(), finish_reason: z.string().nullish() }),
    )
    .nullish(),
  usage: z
    .object({ prompt_tokens: z.number().int().nullish(), completion_tokens: z.number().int().nullish() })
    .nullish(),
})

export type OpenAiChatOptions = {
  service: ModelService
  name: string
  timeouts: Timeouts
  tokens: TokenCounter
  continuation: ContinuationSetting
  /** Supported parameters, learned from rejected requests and shared between requests. */
  parameters: SupportedParameters
  contextTokens(signal: AbortSignal): Promise<number>
  onContextLimit(limit: number): void
}

type ReadArguments = Parameters<Protocol['read']>

/** A model behind any service with OpenAI's `/chat/completions`. */
export function createOpenAiChat(options: OpenAiChatOptions): ChatModel {
  const { service, name, timeouts, tokens, parameters } = options

  const toContextError = (message: string) => {
    const limit = parseContextLimit(message)
    if (limit !== undefined) options.onContextLimit(limit)
    return contextLengthExceeded(name, limit)
  }
  const toError = (error: string) =>
    isContextLengthError(error)
      ? toContextError(error)
      : upstreamError(service, sanitizeMessage(error, service))

  async function send(request: ChatRequest, signal: AbortSignal) {
    for (;;) {
      const body = buildChatBody(name, request, parameters, options.continuation)
      try {
        return await sendRequest(service, { method: 'POST', path: '/chat/completions', body, signal })
      } catch (thrown) {
        if (!(thrown instanceof HttpError)) throw thrown
        if (isContextLengthError(thrown.body)) throw toContextError(thrown.body)
        if (thrown.upstreamStatus !== 400 && thrown.upstreamStatus !== 422) throw thrown
        if (!parameters.removeRefused(thrown.body, body)) throw thrown
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
        for await (const data of parseSse(response, service, signal)) {
          if (data === '[DONE]') break
          yield* answer.add(parseObject(data, service), service, toError)
        }
      } catch (thrown) {
        // With a finish reason the answer is complete, even if the token counts do not follow.
        if (answer.reason === undefined || (signal.aborted && !watch.signal.aborted)) throw thrown
      }
    } else if (/json/i.test(type)) {
      // Some services do not stream although the request asks for it.
      let text = ''
      for await (const chunk of decodeBody(response, service, signal)) text += chunk
      yield* answer.add(parseObject(text, service), service, toError)
    } else {
      await response.body?.cancel()
      throw notSse(service, sanitizeMessage(type, service))
    }
    if (answer.reason === undefined) throw truncated(service)
    yield* answer.end()
    const { promptTokens } = answer.usage
    if (promptTokens !== null) tokens.calibrate(name, request.messages, promptTokens)
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
        timeouts,
        signal,
      ),
  }
}

/** Accumulates the chunks of one answer. */
class Answer {
  reason: Extract<ModelPart, { type: 'finish' }>['reason'] | undefined
  usage: TokenUsage = { promptTokens: null, completionTokens: null }
  readonly #splitter = createThinkingSplitter()
  readonly #watch: TimeoutWatch

  constructor(watch: TimeoutWatch) {
    this.#watch = watch
  }

  *add(json: object, service: ModelService, toError: (error: string) => AppError): Generator<ModelPart> {
    const error = errorMessageOf(json)
    if (error !== undefined) throw toError(error)
    const parsed = chunk.safeParse(json)
    if (!parsed.success) throw badJson(service)
    const { choices, usage } = parsed.data
    if (usage)
      this.usage = {
        promptTokens: usage.prompt_tokens ?? null,
        completionTokens: usage.completion_tokens ?? null,
      }
    const choice = choices?.[0]
    const output = choice?.delta ?? choice?.message
    const thinking = output?.reasoning_content ?? output?.reasoning
    if (thinking) yield { type: 'thinking', text: thinking }
    if (output?.content) yield* this.#splitter.add(output.content)
    if (!choice?.finish_reason) return
    this.reason = reasons[choice.finish_reason] ?? 'other'
    this.#watch.finishing()
  }

  end(): ModelPart[] {
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
