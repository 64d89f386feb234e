import type { Protocol } from '../../chat/index.ts'

/** The objects of Ollama's /api/chat, without durations: a replay could not repeat them. */
export const ollamaProtocol: Protocol = (answer) => {
  const part = (content: string, end: object) => ({
    model: answer.model,
    created_at: answer.createdAt.toISOString(),
    message: { role: 'assistant', content },
    ...end,
  })
  return {
    token: ({ token }) => [part(token, { done: false })],
    complete: ({ finish_reason, usage }) => [
      part('', {
        done: true,
        done_reason: finish_reason === 'length' ? 'length' : 'stop',
        ...(usage.prompt_tokens === null ? {} : { prompt_eval_count: usage.prompt_tokens }),
        ...(usage.completion_tokens === null ? {} : { eval_count: usage.completion_tokens }),
      }),
    ],
    stopped: () => [part('', { done: true, done_reason: 'stop' })],
    error: ({ error }) => [{ error: error.message }],
  }
}
