import type { ChatRequest } from '../port.ts'

/** How a service continues a partial answer: by itself, with vLLM's flag, with Mistral's `prefix`, or only by instruction. */
export type ContinuationSetting = 'none' | 'trailing' | 'flag' | 'prefix'

type OptionalParameter = 'stream_options' | 'max_tokens' | 'max_completion_tokens' | 'temperature' | 'stop'

/**
 * The optional parameters that a model supports. Initially all; a response with status 400 or 422 that names one removes
 * it permanently, and the request is repeated without it.
 */
export function createSupportedParameters() {
  const refused = new Set<OptionalParameter>()
  return {
    supports: (parameter: OptionalParameter): boolean => !refused.has(parameter),

    /** Removes the parameter that an error response to `sent` names. Returns whether there is one. */
    removeRefused(errorText: string, sent: object): boolean {
      const named = (['stream_options', 'temperature', 'stop'] as const).find(
        (parameter) => parameter in sent && new RegExp(`\\b${parameter}\\b`).test(errorText),
      )
      // An error about `max_tokens` also names `max_completion_tokens`.
      const limit = (['max_tokens', 'max_completion_tokens'] as const).find(
        (parameter) => parameter in sent && errorText.includes(parameter),
      )
      const found =
        limit ?? named ?? (errorText.trim() === '' && 'stream_options' in sent ? 'stream_options' : undefined)
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
  parameters: SupportedParameters,
  continuation: ContinuationSetting,
) {
  const isContinuation = request.messages.at(-1)?.role === 'assistant'
  return {
    model: name,
    messages:
      isContinuation && continuation === 'prefix'
        ? request.messages.map((message, i) =>
            i === request.messages.length - 1 ? { ...message, prefix: true } : message,
          )
        : request.messages,
    stream: true,
    ...(isContinuation && continuation === 'flag'
      ? { continue_final_message: true, add_generation_prompt: false }
      : {}),
    ...(parameters.supports('stream_options') ? { stream_options: { include_usage: true } } : {}),
    ...limit(request.maxTokens, parameters),
    ...(request.temperature === undefined || !parameters.supports('temperature')
      ? {}
      : { temperature: request.temperature }),
    ...(request.stop === undefined || !parameters.supports('stop') ? {} : { stop: request.stop }),
  }
}

function limit(maxTokens: number | undefined, parameters: SupportedParameters) {
  if (maxTokens === undefined) return {}
  if (parameters.supports('max_tokens')) return { max_tokens: maxTokens }
  return parameters.supports('max_completion_tokens') ? { max_completion_tokens: maxTokens } : {}
}
