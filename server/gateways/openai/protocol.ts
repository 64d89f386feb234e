import type { Protocol, RenderedAnswer } from '../../chat/index.ts'

/** OpenAI's streamed chat completion: `chat.completion.chunk` objects, then `[DONE]`. */
export const openaiProtocol: Protocol = {
  start: (_, answer) => [chunk(answer, { role: 'assistant', content: '' })],
  token: ({ token }, answer) => [chunk(answer, { content: token })],
  complete({ finish_reason, usage }, answer) {
    const [prompt, completion] = [usage.prompt_tokens ?? 0, usage.completion_tokens ?? 0]
    return [
      chunk(answer, {}, finishReasons[finish_reason] ?? 'stop'),
      {
        ...envelope(answer),
        choices: [],
        usage: {
          prompt_tokens: prompt,
          completion_tokens: completion,
          total_tokens: prompt + completion,
        },
      },
      '[DONE]',
    ]
  },
  stopped: (_, answer) => [chunk(answer, {}, 'stop'), '[DONE]'],
  error: ({ error: { code, message } }) => [{ error: { message, type: 'server_error', param: null, code } }],
}

/** OpenAI's names of our finish reasons; it has no other ones for text. */
const finishReasons: Record<string, string> = { length: 'length', filter: 'content_filter' }

const envelope = ({ runId, createdAt, model }: RenderedAnswer) => ({
  id: `chatcmpl-${runId}`,
  object: 'chat.completion.chunk',
  created: Math.floor(createdAt.getTime() / 1000),
  model,
})

const chunk = (
  answer: RenderedAnswer,
  delta: { role?: 'assistant'; content?: string },
  finishReason: string | null = null,
) => ({
  ...envelope(answer),
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
})
