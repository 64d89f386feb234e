import type { Protocol, RenderedAnswer } from '../../chat/index.ts'

/** The objects of Ollama's /api/chat, without durations: a replay could not repeat them. */
export const ollamaProtocol: Protocol = {
  token: ({ token }, answer) => [part(answer, token, { done: false })],
  complete: ({ finish_reason, usage }, answer) => [
    part(answer, '', {
      done: true,
      done_reason: finish_reason === 'length' ? 'length' : 'stop',
      ...(usage.prompt_tokens === null ? {} : { prompt_eval_count: usage.prompt_tokens }),
      ...(usage.completion_tokens === null ? {} : { eval_count: usage.completion_tokens }),
    }),
  ],
  stopped: (_, answer) => [part(answer, '', { done: true, done_reason: 'stop' })],
  error: ({ error }) => [{ error: error.message }],
}

const part = ({ model, createdAt }: RenderedAnswer, content: string, end: object) => ({
  model,
  created_at: createdAt.toISOString(),
  message: { role: 'assistant', content },
  ...end,
})
