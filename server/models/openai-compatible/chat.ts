import { z } from 'zod'
import { badJson, truncated } from '../errors.ts'
import type { ChatModel, ChatRequest, ModelPart, TokenUsage } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { parseSse } from '../upstream/body.ts'
import { isContextLengthError } from '../upstream/context-limit.ts'
import { decodeBody, parseReply, ServiceError, sendRequest } from '../upstream/request.ts'
import { type Protocol, type StreamedModel, streamAnswer } from '../upstream/stream.ts'
import { createThinkingSplitter } from '../upstream/thinking-splitter.ts'
import { buildChatBody, type SupportedParameters } from './parameters.ts'

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

export type OpenAiChatOptions = StreamedModel & {
  tokens: TokenCounter
  /** Supported parameters, learned from rejected requests and shared between requests. */
  parameters: SupportedParameters
  contextTokens(signal: AbortSignal): Promise<number>
}

type FinishReason = Extract<ModelPart, { type: 'finish' }>['reason']

const reasons: Record<string, FinishReason> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  content_filter: 'filter',
}

/** A model behind any service with OpenAI's `/chat/completions`. */
export function createOpenAiChat(options: OpenAiChatOptions): ChatModel {
  const { service, name, tokens, parameters } = options

  /** Sends the request again without each parameter that the service rejects. */
  async function send(request: ChatRequest, signal: AbortSignal) {
    for (;;) {
      const body = buildChatBody(name, request, parameters)
      try {
        return await sendRequest(service, { method: 'POST', path: '/chat/completions', body, signal })
      } catch (thrown) {
        if (!(thrown instanceof ServiceError) || isContextLengthError(thrown.text)) throw thrown
        if (thrown.upstreamStatus !== 400 && thrown.upstreamStatus !== 422) throw thrown
        if (!parameters.removeRefused(thrown.text, body)) throw thrown
      }
    }
  }

  async function* read(
    request: ChatRequest,
    ...[response, signal, watch]: Parameters<Protocol['read']>
  ): AsyncGenerator<ModelPart> {
    const splitter = createThinkingSplitter()
    let reason: FinishReason | undefined
    let usage: TokenUsage = { promptTokens: null, completionTokens: null }
    // Some services do not stream although the request asks for it.
    const isWhole = /json/i.test(response.headers.get('content-type') ?? '')
    try {
      for await (const data of isWhole
        ? readWhole(response, service, signal)
        : parseSse(response, service, signal)) {
        if (data === '[DONE]') break
        const parsed = chunk.safeParse(parseReply(data, service))
        if (!parsed.success) throw badJson(service)
        const counts = parsed.data.usage
        if (counts)
          usage = {
            promptTokens: counts.prompt_tokens ?? null,
            completionTokens: counts.completion_tokens ?? null,
          }
        const choice = parsed.data.choices?.[0]
        const output = choice?.delta ?? choice?.message
        const thinking = output?.reasoning_content ?? output?.reasoning
        if (thinking) yield { type: 'thinking', text: thinking }
        if (output?.content) yield* splitter.add(output.content)
        if (!choice?.finish_reason) continue
        reason = reasons[choice.finish_reason] ?? 'other'
        watch.finishing()
      }
    } catch (thrown) {
      // With a finish reason the answer is complete, even if the token counts do not follow.
      if (reason === undefined || (signal.aborted && !watch.signal.aborted)) throw thrown
    }
    if (reason === undefined) throw truncated(service)
    yield* splitter.end()
    if (usage.promptTokens !== null) tokens.calibrate(name, request.messages, usage.promptTokens)
    yield { type: 'finish', reason, usage }
  }

  return {
    name,
    provider: 'openai',
    remote: service.remote,
    continuation: 'instruct',
    contextTokens: (signal) => options.contextTokens(signal),
    stream: (request, signal) =>
      streamAnswer(
        options,
        {
          send: (all) => send(request, all),
          contentTypes: /text\/(?:event-stream|plain)|json/i,
          read: (...rest) => read(request, ...rest),
        },
        signal,
      ),
  }
}

async function* readWhole(...body: Parameters<typeof decodeBody>): AsyncGenerator<string> {
  yield (await Array.fromAsync(decodeBody(...body))).join('')
}
