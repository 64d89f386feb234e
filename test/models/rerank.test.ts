import { expect, test } from 'vitest'
import { startApp } from '../app.ts'
import { bodyOf, uploadFiles } from '../builders.ts'
import { startOpenAi } from '../model-servers.ts'

type Status = { rerank_model: string | null; rerank_problem: string | null }
type Found = { results: { filename: string }[] }

test.each([
  ['configured', []],
  ['listed by the model service', ['bge-reranker-v2-m3', 'gpt-4o-mini']],
])('a cross-encoder that is %s reranks results; status reports its name and problem', async (_, listed) => {
  await using service = await startOpenAi({ models: listed.map((id) => ({ id })) })
  await using app = await startApp(
    listed.length > 0
      ? { OPENAI_BASE_URL: service.url }
      : { RERANK_BASE_URL: service.url, RERANK_MODEL: 'cross-encoder' },
  )
  const rerank_model = listed[0] ?? 'cross-encoder'
  await uploadFiles(app, [
    { name: 'one.txt', content: 'The harbour opens at six, and the harbour closes at nine.' },
    { name: 'two.txt', content: 'On Sundays the gate of the harbour stays shut.' },
  ])
  const find = async () => {
    const found = bodyOf(await app.post<Found>('/api/documents/test', { query: 'harbour' }))
    return found.results.map(({ filename }) => filename)
  }
  const status = async () => {
    const { rerank_model: model, rerank_problem } = bodyOf(await app.get<Status>('/api/status'))
    return { rerank_model: model, rerank_problem }
  }
  const order = (...relevance: number[]) => ({
    status: 200,
    body: JSON.stringify({
      results: relevance.map((relevance_score, index) => ({ index, relevance_score })),
    }),
  })
  service.script('/v1/rerank', order(2, 1), order(1, 2), { status: 500 })
  const before = await find()
  expect(before).toHaveLength(2)
  expect(await find()).toEqual(before.toReversed())
  expect(await status()).toEqual({ rerank_model, rerank_problem: null })
  expect(await find()).toEqual(before)
  expect(await status()).toEqual({
    rerank_model,
    rerank_problem: expect.stringContaining('answered 500') as string,
  })
})
