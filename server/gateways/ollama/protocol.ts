import type { Protocol, RenderedAnswer } from '../../chat/index.ts'
import type { ToolCall } from '../../models/index.ts'

type End = {
  finish_reason: string
  usage: { prompt_tokens: number | null; completion_tokens: number | null }
}

/** The last object of an answer, without durations, which would differ in a replay. */
export const toEnd = ({ finish_reason, usage }: End) => ({
  done: true,
  done_reason: finish_reason === 'length' ? ('length' as const) : ('stop' as const),
  ...(usage.prompt_tokens === null ? {} : { prompt_eval_count: usage.prompt_tokens }),
  ...(usage.completion_tokens === null ? {} : { eval_count: usage.completion_tokens }),
})

export const toToolCalls = (calls: readonly ToolCall[]) =>
  calls.map(({ name, arguments: text }) => ({
    function: { name, arguments: JSON.parse(text || '{}') as Record<string, unknown> },
  }))

/** Adds the text of an answer to the object of either route. */
type Put = (content: string, more?: { calls?: readonly ToolCall[]; thinking?: string }) => object

const putMessage: Put = (content, { calls = [], thinking } = {}) => ({
  message: {
    role: 'assistant',
    content,
    ...(thinking !== undefined && { thinking }),
    ...(calls.length > 0 && { tool_calls: toToolCalls(calls) }),
  },
})
const putResponse: Put = (response, { thinking } = {}) => ({
  response,
  ...(thinking !== undefined && { thinking }),
})

const protocolOf =
  (put: Put): Protocol =>
  (answer) => {
    const part = (text: object, end: object) => ({ ...headOf(answer), ...text, ...end })
    return {
      reasoning: ({ reasoning }) => [part(put('', { thinking: reasoning }), { done: false })],
      token: ({ token }) => [part(put(token), { done: false })],
      complete: ({ client_tool_calls: calls = [], ...end }) => [
        ...(calls.length > 0 ? [part(put('', { calls }), { done: false })] : []),
        part(put(''), toEnd(end)),
      ],
      stopped: () => [part(put(''), { done: true, done_reason: 'stop' })],
      error: ({ error }) => [{ error: error.message }],
    }
  }

const headOf = ({ model, createdAt }: Pick<RenderedAnswer, 'model' | 'createdAt'>) => ({
  model,
  created_at: createdAt.toISOString(),
})

/** The objects of Ollama's /api/chat. */
export const ollamaProtocol = protocolOf(putMessage)
/** The objects of Ollama's /api/generate. */
export const generateProtocol = protocolOf(putResponse)
