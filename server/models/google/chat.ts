import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { badJson, truncated } from '../errors.ts'
import type { Capability, ChatModel, ChatRequest, FinishReason, ModelPart, TokenUsage } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { parseSse } from '../upstream/body.ts'
import { parseReply, sendRequest } from '../upstream/request.ts'
import { type Protocol, type StreamedModel, streamAnswer } from '../upstream/stream.ts'
import { createThinkingSplitter } from '../upstream/thinking-splitter.ts'
import { buildGoogleBody } from './request.ts'

const count = z.number().int().nullish()
const chunk = z.object({
  candidates: z
    .array(
      z.object({
        content: z
          .object({
            parts: z
              .array(
                z.object({
                  text: z.string().nullish(),
                  thought: z.boolean().nullish(),
                  thoughtSignature: z.string().nullish(),
                  functionCall: z
                    .object({ id: z.string().nullish(), name: z.string(), args: z.looseObject({}).nullish() })
                    .nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finishReason: z.string().nullish(),
      }),
    )
    .nullish(),
  promptFeedback: z.object({ blockReason: z.string().nullish() }).nullish(),
  usageMetadata: z
    .object({ promptTokenCount: count, candidatesTokenCount: count, thoughtsTokenCount: count })
    .nullish(),
})

export type GoogleChatOptions = StreamedModel & {
  tokens: TokenCounter
  capabilities: readonly Capability[]
  contextTokens(signal: AbortSignal): Promise<number>
}

const reasons: Record<string, FinishReason> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'filter',
  RECITATION: 'filter',
  BLOCKLIST: 'filter',
  PROHIBITED_CONTENT: 'filter',
  SPII: 'filter',
}

/** A chat model of Google's `streamGenerateContent`. */
export function createGoogleChat(options: GoogleChatOptions): ChatModel {
  const { provider, service, name, tokens, capabilities } = options

  async function* read(
    request: ChatRequest,
    ...[response, signal]: Parameters<Protocol['read']>
  ): AsyncGenerator<ModelPart> {
    const splitter = createThinkingSplitter()
    let hasCalls = false
    let reason: FinishReason | undefined
    let usage: TokenUsage = { promptTokens: null, completionTokens: null }
    for await (const data of parseSse(response, service, signal)) {
      const parsed = chunk.safeParse(parseReply(data, service))
      if (!parsed.success) throw badJson(service)
      const { candidates, promptFeedback, usageMetadata } = parsed.data
      if (usageMetadata) usage = toUsage(usageMetadata)
      const candidate = candidates?.[0]
      for (const { text, thought, thoughtSignature, functionCall } of candidate?.content?.parts ?? []) {
        if (text && thought) yield { type: 'thinking', text }
        else if (text) yield* splitter.add(text)
        if (!functionCall) continue
        hasCalls = true
        yield {
          type: 'tool_call',
          id: functionCall.id ?? `call_${randomUUID()}`,
          name: functionCall.name,
          arguments: JSON.stringify(functionCall.args ?? {}),
          ...(thoughtSignature && { signature: thoughtSignature }),
        }
      }
      if (promptFeedback?.blockReason) reason = 'filter'
      if (candidate?.finishReason) reason = reasons[candidate.finishReason] ?? 'other'
      if (reason !== undefined) break
    }
    if (reason === undefined) throw truncated(service)
    yield* splitter.end()
    if (usage.promptTokens !== null) tokens.calibrate(name, request, usage.promptTokens)
    yield { type: 'finish', reason: hasCalls && reason === 'stop' ? 'tool_calls' : reason, usage }
  }

  return {
    name,
    provider,
    remote: service.remote,
    continuation: 'instruct',
    capabilities,
    unsupported: [],
    contextTokens: (signal) => options.contextTokens(signal),
    stream: (request, signal) =>
      streamAnswer(
        options,
        {
          send: (all) =>
            sendRequest(service, {
              method: 'POST',
              path: `/models/${encodeURIComponent(name)}:streamGenerateContent?alt=sse`,
              body: buildGoogleBody(request, capabilities.includes('thinking')),
              signal: all,
            }),
          contentTypes: /text\/(?:event-stream|plain)/i,
          read: (...rest) => read(request, ...rest),
        },
        signal,
      ),
  }
}

/** Thoughts are billed as output. */
function toUsage(counts: NonNullable<z.infer<typeof chunk>['usageMetadata']>): TokenUsage {
  const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount } = counts
  return {
    promptTokens: promptTokenCount ?? null,
    completionTokens:
      candidatesTokenCount === undefined || candidatesTokenCount === null
        ? null
        : candidatesTokenCount + (thoughtsTokenCount ?? 0),
    ...(thoughtsTokenCount && { reasoningTokens: thoughtsTokenCount }),
  }
}
