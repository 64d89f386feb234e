import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { badJson, truncated } from '../errors.ts'
import type { Capability, ChatMessage, ChatModel, FinishReason } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { findCall, parseArguments, toFunctionTool } from '../tool-calls.ts'
import { parseJsonLines } from '../upstream/body.ts'
import { sendRequest } from '../upstream/request.ts'
import { type StreamedModel, streamAnswer } from '../upstream/stream.ts'
import { createThinkingSplitter } from '../upstream/thinking-splitter.ts'

const chunk = z.object({
  message: z
    .object({
      content: z.string().nullish(),
      thinking: z.string().nullish(),
      tool_calls: z
        .array(z.object({ function: z.object({ name: z.string(), arguments: z.looseObject({}).nullish() }) }))
        .nullish(),
    })
    .nullish(),
  done: z.boolean().nullish(),
  done_reason: z.string().nullish(),
  prompt_eval_count: z.number().int().nullish(),
  eval_count: z.number().int().nullish(),
})

/** Time that Ollama keeps a model in memory after an answer. */
const keepAlive = '10m'

export type OllamaChatOptions = StreamedModel & {
  tokens: TokenCounter
  /** The context window to load the model with, constant per model. */
  numCtx: (signal: AbortSignal) => Promise<number>
  capabilities: readonly Capability[]
}

/** A model in Ollama, through `/api/chat`: its OpenAI-compatible API has neither num_ctx nor keep_alive. */
export const createOllamaChat = (options: OllamaChatOptions): ChatModel => ({
  name: options.name,
  provider: options.provider,
  remote: options.service.remote,
  continuation: 'trailing',
  contextTokens: options.numCtx,
  capabilities: options.capabilities,
  unsupported: ['tool_choice'],

  async *stream(request, signal) {
    const { service, name, tokens } = options
    const { messages, tools = [], toolChoice, responseFormat } = request
    const body = {
      model: name,
      messages: messages.map((message) => toOllamaMessage(message, messages)),
      ...(tools.length > 0 && toolChoice !== 'none' && { tools: tools.map(toFunctionTool) }),
      ...(responseFormat && { format: responseFormat.schema ?? 'json' }),
      // The default depends on the version. Some versions apply `format` to the reasoning instead of the answer.
      ...(options.capabilities.includes('thinking') && { think: !responseFormat }),
      stream: true,
      // Both are true by default, and drop parts of the prompt without an error.
      truncate: false,
      shift: false,
      keep_alive: keepAlive,
      options: {
        num_ctx: await options.numCtx(signal),
        num_predict: request.maxTokens,
        temperature: request.temperature,
        top_p: request.topP,
        seed: request.seed,
        stop: request.stop,
      },
    }
    let hasCalls = false
    yield* streamAnswer(
      options,
      {
        send: (all) => sendRequest(service, { method: 'POST', path: '/api/chat', body, signal: all }),
        contentTypes: /json|text\/plain/i,
        async *read(response, all) {
          const splitter = createThinkingSplitter()
          for await (const object of parseJsonLines(response, service, all)) {
            const parsed = chunk.safeParse(object)
            if (!parsed.success) throw badJson(service)
            const { message, done, done_reason, prompt_eval_count, eval_count } = parsed.data
            if (message?.thinking) yield { type: 'thinking', text: message.thinking }
            if (message?.content) yield* splitter.add(message.content)
            for (const { function: called } of message?.tool_calls ?? []) {
              hasCalls = true
              yield {
                type: 'tool_call',
                id: `call_${randomUUID()}`,
                name: called.name,
                arguments: JSON.stringify(called.arguments ?? {}),
              }
            }
            if (!done) continue
            yield* splitter.end()
            if (prompt_eval_count) tokens.calibrate(name, request, prompt_eval_count)
            yield {
              type: 'finish',
              reason: toReason(done_reason, hasCalls),
              usage: { promptTokens: prompt_eval_count ?? null, completionTokens: eval_count ?? null },
            }
            return
          }
          throw truncated(service)
        },
      },
      signal,
    )
  },
})

function toReason(doneReason: string | null | undefined, hasCalls: boolean): FinishReason {
  if (doneReason === 'length') return 'length'
  if (doneReason && doneReason !== 'stop') return 'other'
  return hasCalls ? 'tool_calls' : 'stop'
}

const toOllamaMessage = (
  { role, content, images, toolCalls, toolCallId }: ChatMessage,
  messages: ChatMessage[],
) => ({
  role,
  content,
  ...(images && { images: images.map(({ data }) => data) }),
  ...(toolCalls && {
    tool_calls: toolCalls.map((call) => ({
      function: { name: call.name, arguments: parseArguments(call) },
    })),
  }),
  ...(toolCallId !== undefined && { tool_name: findCall(messages, toolCallId)?.name }),
})
