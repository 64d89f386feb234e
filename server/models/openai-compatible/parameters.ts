import type { ChatRequest } from '../port.ts'

/** How a service goes on with a partial answer: by itself, with vLLM's flag, with Mistral's `prefix`, or only when told to. */
export type ContinuationSetting = 'none' | 'trailing' | 'flag' | 'prefix'

type Optional = 'stream_options' | 'max_tokens' | 'max_completion_tokens' | 'temperature' | 'stop'

/**
 * The optional parameters that one model of a service takes. It starts with the common ones; a refusal that names one
 * (400 or 422: nothing was begun) takes that one away for good, and the request is sent again without it.
 */
export function createSupportedParameters() {
  const refused = new Set<Optional>()
  return {
    supports: (parameter: Optional): boolean => !refused.has(parameter),

    /** Learns from a refusal of `sent`. False when it names nothing that could be left out. */
    removeRefused(refusal: string, sent: object): boolean {
      const named = (['stream_options', 'temperature', 'stop'] as const).find(
        (parameter) => parameter in sent && new RegExp(`\\b${parameter}\\b`).test(refusal),
      )
      // A refusal of `max_tokens` names the new spelling beside the old one.
      const limit = (['max_tokens', 'max_completion_tokens'] as const).find(
        (parameter) => parameter in sent && refusal.includes(parameter),
      )
      const found =
        limit ?? named ?? (refusal.trim() === '' && 'stream_options' in sent ? 'stream_options' : undefined)
      if (found === undefined) return false
      refused.add(found)
      return true
    },
  }
}
export type SupportedParameters = ReturnType<typeof createSupportedParameters>

export function buildChatBody(
  name: string,
  request: ChatRequest,
  dialect: SupportedParameters,
  continuation: ContinuationSetting,
) {
  const continued = request.messages.at(-1)?.role === 'assistant'
  return {
    model: name,
    messages:
      continued && continuation === 'prefix'
        ? request.messages.map((message, i) =>
            i === request.messages.length - 1 ? { ...message, prefix: true } : message,
          )
        : request.messages,
    stream: true,
    ...(continued && continuation === 'flag'
      ? { continue_final_message: true, add_generation_prompt: false }
      : {}),
    ...(dialect.supports('stream_options') ? { stream_options: { include_usage: true } } : {}),
    ...limit(request.maxTokens, dialect),
    ...(request.temperature === undefined || !dialect.supports('temperature')
      ? {}
      : { temperature: request.temperature }),
    ...(request.stop === undefined || !dialect.supports('stop') ? {} : { stop: request.stop }),
  }
}

function limit(maxTokens: number | undefined, dialect: SupportedParameters) {
  if (maxTokens === undefined) return {}
  if (dialect.supports('max_tokens')) return { max_tokens: maxTokens }
  return dialect.supports('max_completion_tokens') ? { max_completion_tokens: maxTokens } : {}
}
