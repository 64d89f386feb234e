import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { badJson, truncated } from '../errors.ts'
import type {
  Capability,
  ChatModel,
  ChatRequest,
  FinishReason,
  ModelPart,
  TokenUsage,
  ToolCall,
} from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { maxCallCharacters } from '../tool-calls.ts'
import { parseSse } from '../upstream/body.ts'
import { isContextLengthError } from '../upstream/context-limit.ts'
import { parseReply, readReply, ServiceError, sendRequest } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'
import { type Protocol, type StreamedModel, streamAnswer } from '../upstream/stream.ts'
import { createThinkingSplitter } from '../upstream/thinking-splitter.ts'
import { buildChatBody, type SupportedParameters } from './parameters.ts'

const text = z.object({ type: z.string().nullish(), text: z.string().nullish() })
const content = z.object({
  // A list from Mistral's reasoning models.
  content: z
    .union([
      z.string(),
      z.array(z.object({ ...text.shape, thinking: z.union([z.string(), z.array(text)]).nullish() })),
    ])
    .nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z
    .array(
      z.object({
        index: z.number().int().nullish(),
        id: z.string().nullish(),
        function: z
          .object({
            name: z.string().nullish(),
            // An object from Mistral's API and some servers.
            arguments: z
              .union([z.string(), z.looseObject({}).transform((given) => JSON.stringify(given))])
              .nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
})
// Invalid counts must not make the answer fail.
const count = z.number().int().nullish().catch(null)
const tokenCounts = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  completion_tokens_details: z.object({ reasoning_tokens: count }).nullish().catch(null),
})
const chunk = z.object({
  choices: z
    .array(
      z.object({ delta: content.nullish(), message: content.nullish(), finish_reason: z.string().nullish() }),
    )
    .nullish(),
  usage: tokenCounts.nullish(),
})

export type OpenAiChatOptions = StreamedModel & {
  tokens: TokenCounter
  /** Supported parameters, detected by rejected requests and shared between requests. */
  parameters: SupportedParameters
  capabilities: readonly Capability[]
  contextTokens(signal: AbortSignal): Promise<number>
}

const reasons: Record<string, FinishReason> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  content_filter: 'filter',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
}

/** A chat model of any service with OpenAI's `/chat/completions`. */
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
    const calls = collectToolCalls(service)
    let reason: FinishReason | undefined
    let usage: TokenUsage = { promptTokens: null, completionTokens: null }
    // Some services do not stream although it was requested.
    const isWhole = /json/i.test(String(response.headers['content-type'] ?? ''))
    try {
      for await (const data of isWhole
        ? [await readReply(response, service, signal)]
        : parseSse(response, service, signal)) {
        if (data === '[DONE]') break
        const parsed = chunk.safeParse(parseReply(data, service))
        if (!parsed.success) throw badJson(service)
        const counts = parsed.data.usage
        const reasoning = counts?.completion_tokens_details?.reasoning_tokens
        if (counts)
          usage = {
            promptTokens: counts.prompt_tokens ?? null,
            completionTokens: completionTokensOf(counts),
            ...(reasoning && { reasoningTokens: reasoning }),
          }
        const choice = parsed.data.choices?.[0]
        const output = choice?.delta ?? choice?.message
        // Some services send both, of which one is empty.
        const thinking = output?.reasoning_content || output?.reasoning
        if (thinking) yield { type: 'thinking', text: thinking }
        for (const part of contentParts(output?.content))
          if (part.type === 'thinking') yield part
          else yield* splitter.add(part.text)
        for (const piece of output?.tool_calls ?? []) {
          calls.add(piece)
          // A tool call is yielded as one part when it is complete.
          watch.received()
          watch.startWaiting()
        }
        if (!choice?.finish_reason) continue
        reason = reasons[choice.finish_reason] ?? 'other'
        watch.finishing()
      }
    } catch (thrown) {
      // With a finish reason the answer is complete, even if the token counts are missing.
      if (reason === undefined || (signal.aborted && !watch.signal.aborted)) throw thrown
    }
    if (reason === undefined) throw truncated(service)
    yield* splitter.end()
    const called = calls.parts()
    yield* called
    if (called.length > 0 && reason === 'stop') reason = 'tool_calls'
    if (usage.promptTokens !== null) tokens.calibrate(name, request, usage.promptTokens)
    yield { type: 'finish', reason, usage }
  }

  return {
    name,
    provider: options.provider,
    remote: service.remote,
    continuation: 'instruct',
    capabilities: options.capabilities,
    unsupported: [],
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

/** xAI does not count reasoning as part of the completion; only the total includes it. */
function completionTokensOf(usage: z.infer<typeof tokenCounts>): number | null {
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = usage
  const all = (completion ?? 0) + (usage.completion_tokens_details?.reasoning_tokens ?? 0)
  return total === (prompt ?? 0) + all && completion ? all : (completion ?? null)
}

type Content = z.infer<typeof content>

function contentParts(content: Content['content']): { type: 'text' | 'thinking'; text: string }[] {
  if (!content) return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return content
    .map(({ type, text, thinking }) =>
      type === 'thinking'
        ? { type: 'thinking' as const, text: [thinking ?? []].flat().map(textOf).join('') }
        : { type: 'text' as const, text: type === 'text' ? (text ?? '') : '' },
    )
    .filter(({ text }) => text !== '')
}

const textOf = (part: string | z.infer<typeof text>) => (typeof part === 'string' ? part : (part.text ?? ''))

/**
 * Joins the pieces in which calls are streamed. A piece without an index belongs to the last call, or starts a new one.
 */
function collectToolCalls(service: ModelService) {
  const calls = new Map<number, ToolCall>()
  let characters = 0
  return {
    add({ index, id, function: called }: NonNullable<Content['tool_calls']>[number]) {
      const key = index ?? (id ? calls.size : Math.max(0, calls.size - 1))
      const call = calls.get(key) ?? { id: id || `call_${randomUUID()}`, name: '', arguments: '' }
      call.name ||= called?.name ?? ''
      call.arguments += called?.arguments ?? ''
      calls.set(key, call)
      characters += call.name.length + (called?.arguments?.length ?? 0) + 1
      if (characters > maxCallCharacters) throw badJson(service)
    },
    parts: () =>
      [...calls.values()].map((call) => ({
        type: 'tool_call' as const,
        ...call,
        arguments: call.arguments || '{}',
      })),
  }
}
