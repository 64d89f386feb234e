import type { ChatRequest } from '../port.ts'

type OptionalParameter = 'stream_options' | 'max_tokens' | 'max_completion_tokens' | 'temperature'

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
      const named = (['stream_options', 'temperature'] as const).find(
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

export const buildChatBody = (
  model: string,
  { messages, maxTokens, temperature }: ChatRequest,
  { supports }: SupportedParameters,
) => ({
  model,
  messages,
  stream: true,
  ...(supports('stream_options') && { stream_options: { include_usage: true } }),
  ...(maxTokens !== undefined &&
    (supports('max_tokens')
      ? { max_tokens: maxTokens }
      : supports('max_completion_tokens') && { max_completion_tokens: maxTokens })),
  ...(temperature !== undefined && supports('temperature') && { temperature }),
})
