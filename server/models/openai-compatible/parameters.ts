import type { ChatMessage, ChatRequest, ResponseFormat, ToolChoice } from '../port.ts'
import { toFunctionTool } from '../tool-calls.ts'

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

export function buildChatBody(model: string, request: ChatRequest, { supports }: SupportedParameters) {
  const { maxTokens, temperature, tools = [], toolChoice, responseFormat, stop = [] } = request
  return {
    model,
    messages: request.messages.map(toMessage),
    stream: true,
    ...(supports('stream_options') && { stream_options: { include_usage: true } }),
    ...(maxTokens !== undefined &&
      (supports('max_tokens')
        ? { max_tokens: maxTokens }
        : supports('max_completion_tokens') && { max_completion_tokens: maxTokens })),
    ...(temperature !== undefined && supports('temperature') && { temperature }),
    ...(request.topP !== undefined && { top_p: request.topP }),
    ...(request.seed !== undefined && { seed: request.seed }),
    ...(stop.length > 0 && { stop }),
    ...(tools.length > 0 && { tools: tools.map(toFunctionTool) }),
    ...(tools.length > 0 && toolChoice !== undefined && { tool_choice: toToolChoice(toolChoice) }),
    ...(responseFormat && { response_format: toResponseFormat(responseFormat) }),
  }
}

const toMessage = ({ role, content, images = [], toolCalls = [], toolCallId }: ChatMessage) => ({
  role,
  content:
    images.length === 0
      ? content
      : [
          { type: 'text', text: content },
          ...images.map(({ mediaType, data }) => ({
            type: 'image_url',
            image_url: { url: `data:${mediaType};base64,${data}` },
          })),
        ],
  ...(toolCalls.length > 0 && {
    tool_calls: toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    })),
  }),
  ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
})

const toToolChoice = (choice: ToolChoice) =>
  typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } }

const toResponseFormat = ({ schema, name = 'answer', strict }: ResponseFormat) =>
  schema
    ? { type: 'json_schema', json_schema: { name, schema, ...(strict !== undefined && { strict }) } }
    : { type: 'json_object' }
