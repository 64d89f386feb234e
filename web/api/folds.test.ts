import { expect, test } from 'vitest'
import { answerFold } from './answer.ts'
import { ingestFold } from './ingest.ts'
import { pullFold } from './pull.ts'
import type { Fold } from './run-store.ts'

const told = <T>(fold: Fold<T>, events: Record<string, unknown>[]): T => events.reduce(fold.add, fold.initial)

test('an answer adds up from its tokens and ends with its citations', () => {
  const answer = told(answerFold, [
    {
      event: 'start',
      model: 'm',
      run_id: 'r',
      message_id: 'a',
      user_message_id: 'q',
      model_reason: 'The only one.',
    },
    { event: 'waiting', message: 'The model is loading.' },
    { token: 'Hello' },
    { event: 'resumed', attempt: 2 },
    { token: ' there [1]' },
    {
      event: 'complete',
      message_id: 'a',
      usage: { prompt_tokens: 1, completion_tokens: 2 },
      finish_reason: 'stop',
      citations: [{ n: 1 }],
    },
  ])
  expect(answer).toMatchObject({
    phase: 'complete',
    text: 'Hello there [1]',
    waitingFor: undefined,
    messageId: 'a',
    userMessageId: 'q',
    model: 'm',
    resumed: true,
    finishReason: 'stop',
    citations: [{ n: 1 }],
  })
})

test('an answer that fails keeps what it said', () => {
  const answer = told(answerFold, [
    { token: 'Half' },
    { error: { code: 'upstream', message: 'The model went away.' } },
  ])
  expect(answer).toMatchObject({ phase: 'failed', text: 'Half', error: { message: 'The model went away.' } })
})

test('an upload tells each file apart, the same name twice included', () => {
  const ingest = told(ingestFold, [
    { message: 'Processing a.pdf...', file: 'a.pdf' },
    { message: 'Reading', stage: 'parse', file: 'a.pdf', completed: 1, total: 4 },
    { result: { success: false, filename: 'a.pdf', message: 'It is encrypted.', code: 'encrypted' } },
    { message: 'Embedding', stage: 'embed', file: 'b.md', completed: 3, total: 4 },
    { message: 'Processing a.pdf...', file: 'a.pdf' },
  ])
  expect(ingest.files).toMatchObject([
    { name: 'a.pdf', result: { code: 'encrypted' } },
    { name: 'b.md', stage: 'embed', progress: 0.75, result: undefined },
    { name: 'a.pdf', result: undefined },
  ])
  expect(told(ingestFold, [{ done: true, total_documents: 2 }]).phase).toBe('done')
})

test('a download adds its layers up', () => {
  const pull = told(pullFold, [
    { status: 'pulling manifest' },
    { status: 'pulling a', digest: 'a', total: 100, completed: 50 },
    { status: 'pulling b', digest: 'b', total: 300 },
    { status: 'pulling a', digest: 'a', total: 100, completed: 100 },
  ])
  expect(pull).toMatchObject({ phase: 'running', completed: 100, total: 400, status: 'pulling a' })
  expect(told(pullFold, [{ status: 'success' }]).phase).toBe('done')
  expect(told(pullFold, [{ error: 'no such model' }])).toMatchObject({
    phase: 'failed',
    error: 'no such model',
  })
})
