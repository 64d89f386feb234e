import { z } from 'zod'
import { badJson, truncated } from '../errors.ts'
import type { Capability, ChatModel, ChatRequest, FinishReason, ModelPart, ToolCall } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { maxCallCharacters } from '../tool-calls.ts'
import { parseSse } from '../upstream/body.ts'
import { parseReply, sendRequest } from '../upstream/request.ts'
import { type Protocol, type StreamedModel, streamAnswer } from '../upstream/stream.ts'
import { createThinkingSplitter } from '../upstream/thinking-splitter.ts'
import { buildAnthropicBody, jsonTool } from './request.ts'

const count = z.number().int().nullish()
const usage = z.object({
  input_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  output_tokens: count,
})
const event = z.object({
  type: z.string(),
  message: z.object({ usage: usage.nullish() }).nullish(),
  content_block: z
    .object({
      type: z.string(),
      id: z.string().nullish(),
      name: z.string().nullish(),
      text: z.string().nullish(),
    })
    .nullish(),
  delta: z
    .object({
      text: z.string().nullish(),
      thinking: z.string().nullish(),
      partial_json: z.string().nullish(),
      stop_reason: z.string().nullish(),
    })
    .nullish(),
  usage: usage.nullish(),
})

export type AnthropicChatOptions = StreamedModel & {
  tokens: TokenCounter
  capabilities: readonly Capability[]
  contextTokens(signal: AbortSignal): Promise<number>
}

const reasons: Record<string, FinishReason> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'filter',
}

/** A chat model of Anthropic's `/messages`. */
export function createAnthropicChat(options: AnthropicChatOptions): ChatModel {
  const { provider, service, name, tokens } = options

  async function* read(
    request: ChatRequest,
    ...[response, signal, watch]: Parameters<Protocol['read']>
  ): AsyncGenerator<ModelPart> {
    const splitter = createThinkingSplitter()
    let call: ToolCall | undefined
    let reason: FinishReason | undefined
    let promptTokens: number | null = null
    let completionTokens: number | null = null
    try {
      for await (const data of parseSse(response, service, signal)) {
        const parsed = event.safeParse(parseReply(data, service))
        if (!parsed.success) throw badJson(service)
        const { type, message, content_block: block, delta } = parsed.data
        if (type === 'message_stop') break
        const counts = parsed.data.usage ?? message?.usage
        if (counts?.input_tokens !== undefined && counts.input_tokens !== null)
          promptTokens =
            counts.input_tokens +
            (counts.cache_creation_input_tokens ?? 0) +
            (counts.cache_read_input_tokens ?? 0)
        completionTokens = counts?.output_tokens ?? completionTokens
        if (block?.text) yield* splitter.add(block.text)
        if (block?.type === 'tool_use') call = { id: block.id ?? '', name: block.name ?? '', arguments: '' }
        if (delta?.thinking) yield { type: 'thinking', text: delta.thinking }
        if (delta?.text) yield* splitter.add(delta.text)
        if (delta?.partial_json && call) {
          if (request.responseFormat && call.name === jsonTool)
            yield { type: 'text', text: delta.partial_json }
          else call.arguments += delta.partial_json
          if (call.arguments.length > maxCallCharacters) throw badJson(service)
          // A tool call is yielded as one part when it is complete.
          watch.received()
          watch.startWaiting()
        }
        if (type === 'content_block_stop' && call) {
          if (!request.responseFormat || call.name !== jsonTool)
            yield { type: 'tool_call', ...call, arguments: call.arguments || '{}' }
          call = undefined
        }
        if (!delta?.stop_reason) continue
        reason = reasons[delta.stop_reason] ?? 'other'
        watch.finishing()
      }
    } catch (thrown) {
      // With a stop reason the answer is complete, even if the last event is missing.
      if (reason === undefined || (signal.aborted && !watch.signal.aborted)) throw thrown
    }
    if (reason === undefined) throw truncated(service)
    yield* splitter.end()
    if (promptTokens !== null) tokens.calibrate(name, request, promptTokens)
    const isJson = request.responseFormat !== undefined && reason === 'tool_calls' && !request.tools?.length
    yield {
      type: 'finish',
      reason: isJson ? 'stop' : reason,
      usage: { promptTokens, completionTokens },
    }
  }

  return {
    name,
    provider,
    remote: service.remote,
    continuation: 'instruct',
    capabilities: options.capabilities,
    unsupported: ['seed'],
    contextTokens: (signal) => options.contextTokens(signal),
    stream: (request, signal) =>
      streamAnswer(
        options,
        {
          send: (all) =>
            sendRequest(service, {
              method: 'POST',
              path: '/messages',
              body: buildAnthropicBody(name, request),
              signal: all,
            }),
          contentTypes: /text\/(?:event-stream|plain)/i,
          read: (...rest) => read(request, ...rest),
        },
        signal,
      ),
  }
}
