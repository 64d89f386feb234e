import { z } from 'zod'
import { badJson, truncated } from '../errors.ts'
import type { ChatModel } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import { parseJsonLines } from '../upstream/body.ts'
import { sendRequest } from '../upstream/request.ts'
import { type StreamedModel, streamAnswer } from '../upstream/stream.ts'
import { createThinkingSplitter } from '../upstream/thinking-splitter.ts'

const chunk = z.object({
  message: z.object({ content: z.string().nullish(), thinking: z.string().nullish() }).nullish(),
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
}

/** A model in Ollama, through `/api/chat`: its OpenAI-compatible API has neither num_ctx nor keep_alive. */
export const createOllamaChat = (options: OllamaChatOptions): ChatModel => ({
  name: options.name,
  provider: 'ollama',
  remote: options.service.remote,
  continuation: 'trailing',
  contextTokens: options.numCtx,

  async *stream({ messages, maxTokens, temperature }, signal) {
    const { service, name, tokens } = options
    const body = {
      model: name,
      messages,
      stream: true,
      // Both are true by default and silently drop parts of the prompt.
      truncate: false,
      shift: false,
      keep_alive: keepAlive,
      options: { num_ctx: await options.numCtx(signal), num_predict: maxTokens, temperature },
    }
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
            if (!done) continue
            yield* splitter.end()
            if (prompt_eval_count) tokens.calibrate(name, messages, prompt_eval_count)
            yield {
              type: 'finish',
              reason:
                done_reason === 'length'
                  ? 'length'
                  : done_reason === 'stop' || !done_reason
                    ? 'stop'
                    : 'other',
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
