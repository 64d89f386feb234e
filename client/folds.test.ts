import { expect, test, vi } from 'vitest'
import { answerFold } from './answer.ts'
import type { Fold } from './events.ts'
import { ingestFold } from './ingest.ts'
import { pullFold } from './pull.ts'

const foldAll = <T>(fold: Fold<T>, events: Record<string, unknown>[]): T =>
  events.reduce<T>((value, data) => fold.add(value, data), fold.initial)

const id = (n: number) => `0199aaaa-0000-7000-8000-00000000000${n}`
const citation = {
  n: 1,
  document_id: id(5),
  title: 'Report',
  filename: null,
  page: null,
  heading: null,
  passage: 1,
  start: 0,
  end: 5,
  text: 'Hello',
  score: 1,
  layer: 'public',
  cited: true,
  status: 'available',
}

test('an answer accumulates its tokens and ends with its citations', () => {
  const answer = foldAll(answerFold, [
    {
      event: 'start',
      model: 'm',
      run_id: id(1),
      message_id: id(2),
      user_message_id: id(3),
      conversation_id: id(4),
      layer_used: 'public',
      provider: 'ollama',
      model_reason: 'The only model.',
    },
    { event: 'waiting', message: 'The model is loading.' },
    { event: 'tool', call_id: 'a', name: 'calculate', arguments: { expression: '1+1' }, status: 'running' },
    { event: 'tool', call_id: 'b', name: 'recall', arguments: {}, status: 'running' },
    { event: 'tool', call_id: 'a', name: 'calculate', arguments: {}, status: 'done', result: { text: '2' } },
    { token: 'Hello' },
    { event: 'resumed', attempt: 2 },
    { token: ' there [1]' },
    {
      event: 'complete',
      message_id: id(2),
      total_tokens: 2,
      usage: { prompt_tokens: 1, completion_tokens: 2 },
      finish_reason: 'stop',
      citations: [citation, { n: 2, status: 'deleted' }],
      memories: [],
    },
  ])
  expect(answer).toMatchObject({
    phase: 'complete',
    text: 'Hello there [1]',
    waitingFor: undefined,
    messageId: id(2),
    userMessageId: id(3),
    model: 'm',
    resumed: true,
    finishReason: 'stop',
    toolCalls: [{ status: 'done', result: { text: '2' } }, { status: 'running' }],
    citations: [{ n: 1 }, { n: 2, status: 'deleted' }],
  })
})

test('a failed answer keeps its text', () => {
  const answer = foldAll(answerFold, [
    { token: 'Half' },
    { error: { code: 'upstream', message: 'The model is unavailable.' } },
  ])
  expect(answer).toMatchObject({
    phase: 'failed',
    text: 'Half',
    error: { message: 'The model is unavailable.' },
  })
})

test('events of unknown kinds are skipped, malformed ones reported', () => {
  const report = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const answer = foldAll(answerFold, [
    { token: 'a' },
    { event: 'new' },
    { other: 1 },
    { token: 7 },
    { token: 'b' },
  ])
  expect(answer.text).toBe('ab')
  expect(report).toHaveBeenCalledOnce()
  report.mockRestore()
})

test('separates reasoning from the answer, and describes a queue position in words', () => {
  const queued = [{ event: 'queued', position: 2, wait_ms: 3_400 }]
  expect(foldAll(answerFold, queued).waitingFor).toBe('In the queue of the model: place 2, about 3 s.')
  const answer = foldAll(answerFold, [
    ...queued,
    { reasoning: 'Let me' },
    { reasoning: ' see.' },
    { token: 'Yes' },
  ])
  expect(answer).toMatchObject({ text: 'Yes', reasoning: 'Let me see.', waitingFor: undefined })
})

test('an upload distinguishes files, also two with the same name', () => {
  const ingest = foldAll(ingestFold, [
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
  expect(foldAll(ingestFold, [{ done: true, total_documents: 2 }]).phase).toBe('done')
})

test('a download sums up its parts', () => {
  const pull = foldAll(pullFold, [
    { status: 'pulling manifest' },
    { status: 'pulling a', digest: 'a', total: 100, completed: 50 },
    { status: 'pulling b', digest: 'b', total: 300 },
    { status: 'pulling a', digest: 'a', total: 100, completed: 100 },
  ])
  expect(pull).toMatchObject({ phase: 'running', completed: 100, total: 400, status: 'pulling a' })
  expect(foldAll(pullFold, [{ status: 'success' }]).phase).toBe('done')
  expect(foldAll(pullFold, [{ error: 'no such model' }])).toMatchObject({
    phase: 'failed',
    error: 'no such model',
  })
})
