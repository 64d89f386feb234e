import type { Protocol } from '../../chat/index.ts'

/** OpenAI's streamed chat completion: `chat.completion.chunk` objects, then `[DONE]`. */
export const openaiProtocol: Protocol = (answer) => {
  const envelope = () => ({
    id: `chatcmpl-${answer.runId}`,
    object: 'chat.completion.chunk',
    created: Math.floor(answer.createdAt.getTime() / 1000),
    model: answer.model,
  })
  const chunk = (delta: { role?: 'assistant'; content?: string }, finishReason: string | null = null) => ({
    ...envelope(),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
  })
  return {
    start: () => [chunk({ role: 'assistant', content: '' })],
    token: ({ token }) => [chunk({ content: token })],
    complete({ finish_reason, usage }) {
      const [prompt, completion] = [usage.prompt_tokens ?? 0, usage.completion_tokens ?? 0]
      return [
        chunk({}, finishReasons[finish_reason] ?? 'stop'),
        {
          ...envelope(),
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
    stopped: () => [chunk({}, 'stop'), '[DONE]'],
    error: ({ error: { code, message } }) => [
      { error: { message, type: 'server_error', param: null, code } },
    ],
  }
}

/** OpenAI's names of our finish reasons; it has no other ones for text. */
const finishReasons: Record<string, string> = { length: 'length', filter: 'content_filter' }
