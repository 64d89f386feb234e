import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Deleted, DeletionReceipt } from '../../contract/deletions.ts'
import type { Message } from '../../contract/messages.ts'
import { openDatabase } from '../../server/db/index.ts'
import { createLog } from '../../server/log.ts'
import {
  bodyOf,
  createAvee,
  createConversation,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import type { TestClient } from '../client.ts'
import { DATABASES } from '../databases.ts'
import { filesWith } from '../files-with.ts'
import { type ServerProcess, startServer } from '../server-process.ts'

/** Returns a unique word of letters. */
const word = () => Array.from(randomBytes(14), (byte) => 'bcdfghklmnprstvz'[byte & 15]).join('')

/** Lists the tables with a row that contains one of the words. */
async function tablesWith(url: string, words: string[]): Promise<string[]> {
  await using database = await openDatabase({ url, dir: '', log: createLog('silent') })
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I', relname) as name from pg_stat_user_tables`.execute(database.db)
  const found: string[] = []
  for (const { name } of tables) {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from ${sql.raw(name)} as t where lower(t::text) ~ ${words.join('|')}`.execute(
      database.db,
    )
    if ((rows[0]?.n ?? 0) > 0) found.push(name)
  }
  return found
}

describe.each(DATABASES)('deletions on %s', (kind) => {
  let server: ServerProcess
  let owner: TestUser
  beforeAll(async () => {
    // With the short lease of other tests, the server searches for runs every second, and the database is rarely idle.
    server = await startServer({ RUN_LEASE_MS: '10000' }, kind)
    owner = await registerUser(server, { email: 'owner@example.org' })
  })
  afterAll(async () => await server[Symbol.asyncDispose]())

  const remove = async (client: TestClient, path: string, body?: unknown): Promise<DeletionReceipt> =>
    bodyOf(await client.delete<Deleted>(path, body)).receipt
  /** Polls rarely, because each request uses the database and the purge waits until the database is idle. */
  const purged = async (client: TestClient, id: string) =>
    expect
      .poll(async () => bodyOf(await client.get<DeletionReceipt>(`/deletions/${id}`)).purge, {
        interval: 3_000,
        timeout: 120_000,
      })
      .toBe('done')
  /** Lists the files of the data directory, or the tables of the server, that still contain the words. */
  const placesWith = async (words: string[]): Promise<string[]> => {
    const { dir, url } = server.database
    return [...filesWith(dir, words), ...(url === undefined ? [] : await tablesWith(url, words))]
  }

  test('remove every word of documents, conversations, avees and accounts', {
    timeout: 180_000,
  }, async () => {
    const words: string[] = []
    const secret = () => {
      words.push(word())
      return words.at(-1) ?? ''
    }
    const visitor = await registerUser(server, { display_name: secret() })
    const kept = await createAvee(owner.client)
    const [document] = await uploadFiles(
      owner.client,
      [{ name: `${secret()}.md`, content: `# ${secret()}\n\nThe harbour master is called ${secret()}.` }],
      { avee: kept.id, layer: 'public' },
    )
    const talk = await createConversation(visitor.client, kept.handle)
    const question = `Who is the harbour master, ${secret()}? Remember that my boat is called ${secret()}.`
    bodyOf(await visitor.client.post('/chat/ask', { conversation_id: talk.id, question }))
    const attach = async (conversation: string) => {
      const file = { name: `${secret()}.md`, content: `# ${secret()}\n\nThe sluice is called ${secret()}.` }
      await uploadFiles(visitor.client, [file], { conversation })
    }
    await attach(talk.id)
    await attach((await createConversation(visitor.client, kept.handle)).id)
    bodyOf(await visitor.client.patch(`/conversations/${talk.id}`, { title: secret() }))
    bodyOf(await visitor.client.post('/memories', { avee: kept.id, content: `The user likes ${secret()}.` }))
    const avee = await createAvee(owner.client, { display_name: secret(), bio: secret(), persona: secret() })
    await uploadFiles(owner.client, [{ name: 'a.txt', content: `Of ${secret()} alone.` }], {
      avee: avee.id,
      layer: 'intimate',
    })
    await attach((await createConversation(visitor.client, avee.handle)).id)
    bodyOf(await visitor.client.post('/api-keys', { name: secret() }))
    const input = `Who is the harbour master, ${secret()}?`
    bodyOf(await visitor.client.post('/v1/responses', { model: `avee/${kept.handle}`, input }))
    expect(await placesWith(words)).not.toEqual([])

    const receipts = [
      await remove(visitor.client, `/conversations/${talk.id}?permanent=true`),
      await remove(owner.client, `/documents/${document?.doc_id}?permanent=true`),
      await remove(owner.client, `/avees/${avee.id}`),
      await remove(visitor.client, '/me', { password: visitor.password }),
    ]
    expect(receipts).toMatchObject([
      { purge: 'pending', conversations: 1, messages: 2, documents: 1, passages: 1 },
      { documents: 1, passages: 1 },
      { avees: 1, documents: 2, passages: 2, conversations: 1 },
      { users: 1, memories: 1, documents: 1, passages: 1 },
    ])
    for (const { id } of receipts) await purged(owner.client, id)
    expect(await placesWith(words)).toEqual([])
    expect(await server.stop()).toBe(0)
    expect(await placesWith(words)).toEqual([])
    await server.restart()
    expect(await placesWith(words)).toEqual([])
  })

  test('remove every word of a document that earlier answers quote', { timeout: 180_000 }, async () => {
    const visitor = await registerUser(server)
    const avee = await createAvee(owner.client)
    const secret = word()
    const [document] = await uploadFiles(
      owner.client,
      [{ name: 'harbour.md', content: `# Harbour\n\nThe harbour master is called ${secret}.` }],
      { avee: avee.id, layer: 'public' },
    )
    const { id } = await createConversation(visitor.client, avee.handle)
    const question = 'Who is the harbour master?'
    bodyOf(await visitor.client.post('/chat/ask', { conversation_id: id, question }))
    const completion = await visitor.client.fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: `avee/${avee.handle}`,
        messages: [{ role: 'user', content: question }],
      }),
    })
    expect(await completion.text()).toContain(secret)
    const readCompletion = () => visitor.client.fetch(`/runs/${completion.headers.get('x-run-id')}/events`)
    expect(await (await readCompletion()).text()).toContain(secret)
    const read = async () => {
      const { messages } = bodyOf(
        await visitor.client.get<{ messages: Message[] }>(`/conversations/${id}/messages`),
      )
      const [answer] = messages.slice(-1)
      const log = await (await visitor.client.fetch(`/runs/${answer?.run_id}/events`)).text()
      return { content: answer?.content, citations: answer?.citations, log }
    }
    expect((await read()).log).toContain(secret)
    const receipt = await remove(owner.client, `/documents/${document?.doc_id}?permanent=true`)
    const beforePurge = await read()
    expect(await (await readCompletion()).text()).not.toContain(secret)
    expect(beforePurge.citations).toEqual([{ n: 1, status: 'deleted' }])
    await purged(owner.client, receipt.id)
    expect(await read()).toEqual(beforePurge)
    expect((await readCompletion()).status).toBe(404)
    expect(await placesWith([secret])).toEqual([])
  })

  test('show their receipt to the user who deleted and to administrators', async () => {
    const user = await registerUser(server)
    const avee = await createAvee(user.client)
    const other = await registerUser(server)
    const { id } = await remove(user.client, `/avees/${avee.id}`)
    const status = async (client: TestClient) => (await client.get(`/deletions/${id}`)).status
    expect([await status(user.client), await status(owner.client)]).toEqual([200, 200])
    expect([await status(other.client), await status(server)]).toEqual([404, 404])
    expect((await owner.client.get(`/deletions/${randomUUID()}`)).status).toBe(404)
  })
})
