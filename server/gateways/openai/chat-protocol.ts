import type { Protocol } from '../../chat/index.ts'
import type { ToolCall } from '../../models/index.ts'
import { citationsIn } from './annotations.ts'

type Usage = { prompt_tokens: number | null; completion_tokens: number | null }

/** OpenAI's streamed chat completion: `chat.completion.chunk` objects, then `[DONE]`. */
export const openaiProtocol =
  (baseUrl: string): Protocol =>
  (answer) => {
    let text = ''
    const envelope = () => ({
      id: `chatcmpl-${answer.runId}`,
      object: 'chat.completion.chunk',
      created: Math.floor(answer.createdAt.getTime() / 1000),
      model: answer.model,
    })
    const chunk = (delta: object, finishReason: string | null = null) => ({
      ...envelope(),
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    })
    return {
      start: () => [
        {
          ...chunk({ role: 'assistant', content: '' }),
          ...(answer.conversationId && { metadata: { conversation_id: answer.conversationId } }),
        },
      ],
      reasoning: ({ reasoning }) => [chunk({ reasoning_content: reasoning })],
      token({ token }) {
        text += token
        return [chunk({ content: token })]
      },
      complete({ finish_reason, usage, citations, client_tool_calls = [] }) {
        const annotations = toAnnotations(citationsIn(text, citations, baseUrl))
        const calls = toToolCalls(client_tool_calls).map((call, index) => ({ index, ...call }))
        return [
          ...(annotations.length > 0 ? [chunk({ content: '', annotations })] : []),
          ...(calls.length > 0 ? [chunk({ tool_calls: calls })] : []),
          chunk({}, toFinishReason(finish_reason)),
          ...(answer.includesUsage === false ? [] : [{ ...envelope(), choices: [], usage: toUsage(usage) }]),
          '[DONE]',
        ]
      },
      stopped: () => [chunk({}, 'stop'), '[DONE]'],
      error: ({ error: { code, message } }) => [
        { error: { message, type: 'server_error', param: null, code } },
      ],
    }
  }

export const toAnnotations = (citations: ReturnType<typeof citationsIn>) =>
  citations.map((url_citation) => ({ type: 'url_citation' as const, url_citation }))

export const toToolCalls = (calls: readonly ToolCall[]) =>
  calls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: text },
  }))

const finishReasons: Record<string, 'length' | 'content_filter' | 'tool_calls'> = {
  length: 'length',
  filter: 'content_filter',
  tool_calls: 'tool_calls',
}
/** Returns OpenAI's name of a finish reason. */
export const toFinishReason = (reason: string): 'stop' | 'length' | 'content_filter' | 'tool_calls' =>
  finishReasons[reason] ?? 'stop'

export function toUsage({ prompt_tokens, completion_tokens }: Usage) {
  const [prompt, completion] = [prompt_tokens ?? 0, completion_tokens ?? 0]
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}
