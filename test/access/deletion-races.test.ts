import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../app.ts'
import { createAvee, createConversation, registerUser } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'

const rounds = 6

describe.each(ONE_DATABASE)('deleting an avee on %s', (kind) => {
  let app: TestApp
  let owner: TestClient
  let visitor: TestClient
  beforeAll(async () => {
    app = await startApp({}, kind)
    owner = (await registerUser(app)).client
    visitor = (await registerUser(app)).client
  })
  afterAll(async () => app[Symbol.asyncDispose]())

  test('returns 2xx or 404 for every request in progress', async () => {
    const unexpected: string[] = []
    for (let round = 0; round < rounds; round += 1) {
      const { id } = await createAvee(owner, { visibility: 'public' })
      const conversation_id = (await createConversation(owner, id)).id
      const requests: [string, () => Promise<{ status: number; body?: unknown }>][] = [
        ['documents', () => owner.post(`/avees/${id}/documents`, { title: 'a', text: `Text ${round}.` })],
        [
          'memories',
          () => owner.post('/memories', { avee: id, content: `Likes tea ${round}.`, type: 'fact' }),
        ],
        ['updates', () => owner.post(`/avees/${id}/updates`, { text: 'News.', layer: 'public' })],
        ['insight settings', () => owner.patch(`/avees/${id}/insight/settings`, { allow_pass_on: true })],
        ['sharing', () => visitor.put(`/avees/${id}/sharing`, { share: true })],
        ['follow', () => visitor.put(`/avees/${id}/follow`)],
        ['memory settings', () => owner.put('/memories/settings', { avee: id, enabled: true })],
        ['ask', () => owner.post('/chat/ask', { conversation_id, question: 'Who are you?' })],
        ['conversation', () => visitor.post('/conversations', { avee: id })],
        ['API key', () => owner.post('/api-keys', { name: 'key', avee_id: id })],
      ]
      const midway = Promise.withResolvers<void>()
      let answered = 0
      const answers = requests.map(async ([name, send]) => {
        for (let attempt = 0; attempt < 6; attempt += 1) {
          const { status, body } = await send()
          if ((answered += 1) >= round * 9) midway.resolve()
          if (status >= 300 && status !== 404) unexpected.push(`${name}: ${status} ${JSON.stringify(body)}`)
        }
      })
      // Each round interrupts the requests at a different point.
      await midway.promise
      const deletion = await owner.delete(`/avees/${id}`)
      expect(deletion.status).toBe(200)
      await Promise.all(answers)
      expect((await owner.get(`/avees/${id}`)).status).toBe(404)
    }
    expect(unexpected).toEqual([])
    expect(await app.app.database.db.selectFrom('runs').select('id').execute()).toEqual([])
  })
})
