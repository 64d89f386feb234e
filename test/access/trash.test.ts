import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Conversation } from '../../contract/conversations.ts'
import type { Deleted, DeletionReceipt } from '../../contract/deletions.ts'
import type { Document } from '../../contract/knowledge.ts'
import type { Memory } from '../../contract/memory.ts'
import type { Message } from '../../contract/messages.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  bodyOf,
  createAvee,
  createConversation,
  listMessages,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'
import { filesWith } from '../files-with.ts'

const question = 'Who is the harbour master?'
const content = (name: string) => `# Harbour\n\nThe harbour master is called ${name}.`

const remove = async (client: TestClient, path: string): Promise<DeletionReceipt> =>
  bodyOf(await client.delete<Deleted>(path)).receipt

describe.each(ONE_DATABASE)('the trash on %s', (kind) => {
  let app: TestApp
  let owner: TestUser
  beforeAll(async () => {
    app = await startApp({}, kind)
    owner = await registerUser(app)
  })
  afterAll(async () => app[Symbol.asyncDispose]())

  const purge = () => app.app.jobs.runNow('deletions.purge')

  /** An avee with one document that a visitor's answer quotes. */
  async function prepare(name: string) {
    const visitor = await registerUser(app)
    const { id: avee } = await createAvee(owner.client)
    const file = { name: 'harbour.md', content: content(name) }
    const [uploaded] = await uploadFiles(owner.client, [file], { avee, layer: 'public' })
    const { id: conversation } = await createConversation(visitor.client, avee)
    bodyOf(await visitor.client.post('/chat/ask', { conversation_id: conversation, question }))
    return { visitor, avee, conversation, document: uploaded?.doc_id ?? '' }
  }

  test('hides a document everywhere until it is restored', async () => {
    const { visitor, avee, conversation, document } = await prepare('Quillon')
    const seen = async () => {
      const list = await owner.client.get<{ documents: Document[] }>(`/avees/${avee}/documents`)
      const trash = await owner.client.get<{ documents: Document[] }>(`/avees/${avee}/documents?trash=true`)
      const { results } = bodyOf(
        await visitor.client.post<{ results: { text: string }[] }>('/search', { avee, query: question }),
      )
      const answer = (await listMessages(visitor.client, conversation)).at(-1)
      return {
        documents: bodyOf(list).documents.length,
        trash: bodyOf(trash).documents.map(({ id, restorable_until }) => [id, restorable_until]),
        status: (await owner.client.get(`/documents/${document}`)).status,
        results: results.length,
        citation: answer?.citations[0]?.status,
        quotes: answer?.content.includes('Quillon'),
        terms: (await app.app.knowledge.documentFrequencies(avee, ['public'], ['harbour'])).words.size,
      }
    }
    const before = await seen()
    expect(before).toMatchObject({
      documents: 1,
      trash: [],
      status: 200,
      citation: 'available',
      quotes: true,
    })
    const receipt = await remove(owner.client, `/documents/${document}`)
    expect(receipt).toMatchObject({ purge: 'pending', documents: 1, passages: 1 })
    expect(await seen()).toEqual({
      documents: 0,
      trash: [[document, receipt.restorable_until]],
      status: 404,
      results: 0,
      citation: 'deleted',
      quotes: false,
      terms: 0,
    })
    expect((await owner.client.delete(`/documents/${document}`)).status).toBe(404)
    for (const path of [`/documents/${document}/restore`, `/documents/${document}?permanent=true`])
      expect((await visitor.client[path.endsWith('restore') ? 'post' : 'delete'](path)).status).toBe(404)
    expect((await visitor.client.get(`/avees/${avee}/documents?trash=true`)).status).toBe(403)

    const [again] = await uploadFiles(owner.client, [{ name: 'harbour.md', content: content('Brandt') }], {
      avee,
      layer: 'public',
    })
    expect((await owner.client.post(`/documents/${document}/restore`)).status).toBe(409)
    await remove(owner.client, `/documents/${again?.doc_id}?permanent=true`)
    bodyOf(await owner.client.post(`/documents/${document}/restore`))
    expect(await seen()).toEqual(before)
    expect((await owner.client.get(`/deletions/${receipt.id}`)).status).toBe(404)
  })

  test('hides a conversation with its memories until it is restored', async () => {
    const { visitor, avee, conversation } = await prepare('Halden')
    const { client } = visitor
    const note = 'Remember that my boat is called Seagull.'
    bodyOf(await client.post('/chat/ask', { conversation_id: conversation, question: note }))
    await expect
      .poll(async () => bodyOf(await client.get<{ total: number }>(`/memories?avee=${avee}`)).total)
      .toBe(1)
    const list = async (query: string) =>
      bodyOf(await client.get<{ conversations: Conversation[] }>(`/conversations?${query}`)).conversations
    const runId = (await listMessages(client, conversation)).at(-1)?.run_id

    const receipt = await remove(client, `/conversations/${conversation}`)
    expect(receipt).toMatchObject({ conversations: 1, messages: 4, memories: 1 })
    expect(await list('')).toEqual([])
    expect(await list('query=Seagull')).toEqual([])
    expect(await list('trash=true')).toMatchObject([
      { id: conversation, restorable_until: receipt.restorable_until },
    ])
    for (const path of ['', '/messages', '/export'].map((part) => `/conversations/${conversation}${part}`))
      expect((await owner.client.get(path)).status).toBe(404)
    expect((await client.get(`/conversations/${conversation}/export`)).status).toBe(404)
    expect((await client.get(`/runs/${runId}/events`)).status).toBe(404)
    const memories = async (query: string) =>
      bodyOf(await client.get<{ memories: Memory[] }>(`/memories?avee=${avee}${query}`)).memories
    expect(await memories('')).toEqual([])
    expect(await memories('&trash=true')).toMatchObject([{ restorable_until: receipt.restorable_until }])
    expect((await owner.client.post(`/conversations/${conversation}/restore`)).status).toBe(404)
    const asked = await client.post('/chat/ask', { conversation_id: conversation, question })
    expect(asked.status).toBe(404)

    bodyOf(await client.post(`/conversations/${conversation}/restore`))
    expect(await list('query=Seagull')).toHaveLength(1)
    expect(await memories('')).toHaveLength(1)
    expect(await listMessages(client, conversation)).toHaveLength(4)
  })

  test('loses one object by a permanent deletion, and the others when they expire', {
    timeout: 120_000,
  }, async () => {
    const names = ['Xylquarrin', 'Vorbundsk']
    const { avee, document } = await prepare(names[0] ?? '')
    const [other] = await uploadFiles(owner.client, [{ name: 'b.md', content: content(names[1] ?? '') }], {
      avee,
      layer: 'public',
    })
    const first = await remove(owner.client, `/documents/${document}`)
    const second = await remove(owner.client, `/documents/${other?.doc_id}`)
    const now = await remove(owner.client, `/documents/${document}?permanent=true`)
    expect(now).toMatchObject({ documents: 1, restorable_until: null })
    expect((await owner.client.get(`/deletions/${first.id}`)).status).toBe(404)
    await sql`update deletions set restorable_until = now() where id = ${second.id}`.execute(
      app.app.database.db,
    )
    expect((await owner.client.post(`/documents/${other?.doc_id}/restore`)).status).toBe(404)
    await purge()
    for (const { id } of [now, second])
      await expect
        .poll(async () => bodyOf(await owner.client.get<DeletionReceipt>(`/deletions/${id}`)), {
          interval: 2_000,
          timeout: 90_000,
        })
        .toMatchObject({ purge: 'done', restorable_until: null, documents: 1 })
    expect(filesWith(app.database.dir, names)).toEqual([])
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from passages where text ~ 'Xylquarrin|Vorbundsk'`.execute(
      app.app.database.db,
    )
    expect(rows).toEqual([{ n: 0 }])
  })

  test('does not keep the words of an answer that was running when its document was deleted', async () => {
    const { visitor, conversation, document } = await prepare('Osterlund')
    const { db } = app.app.database
    const answer = (await listMessages(visitor.client, conversation)).at(-1) as Message
    const change = (values: { status?: 'streaming' | 'complete'; content?: string }) =>
      db.updateTable('messages').set(values).where('id', '=', answer.id).execute()
    const stored = async () =>
      (
        await db
          .selectFrom('messages')
          .select('content')
          .where('id', '=', answer.id)
          .executeTakeFirstOrThrow()
      ).content
    await change({ status: 'streaming' })
    await remove(owner.client, `/documents/${document}?permanent=true`)
    await purge()
    expect(await stored()).toContain('Osterlund')
    await change({ status: 'complete' })
    await purge()
    expect(await stored()).not.toContain('Osterlund')

    // Each step of a purge happens once.
    await change({ content: 'Osterlund [1]' })
    await purge()
    expect(await stored()).toBe('Osterlund [1]')
  })
})

test('everything is deleted permanently with UNDO_DAYS=0', async () => {
  await using app = await startApp({ UNDO_DAYS: '0' })
  const { client } = await registerUser(app)
  const { id: avee } = await createAvee(client)
  const { id } = await createConversation(client, avee)
  const memory = bodyOf(await client.post<Memory>('/memories', { avee, content: 'Likes tea.' }))
  for (const path of [`/memories/${memory.id}`, `/conversations/${id}`]) {
    expect((await remove(client, path)).restorable_until).toBeNull()
    expect((await client.post(`${path}/restore`)).status).toBe(404)
  }
})
