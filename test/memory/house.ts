import { sql } from 'kysely'
import { type Layer } from '../../contract/layers.ts'
import type { Memory } from '../../contract/memory.ts'
import { createApp } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { newId } from '../../server/db/index.ts'
import type { Memory as MemoryRoom } from '../../server/memory/index.ts'
import { bodyOf, createAvee, createConversation, registerUser, type TestUser } from '../builders.ts'
import { createTestClient, type TestClient } from '../client.ts'
import { createTestDatabase, type TestDatabase } from '../databases.ts'

/** The app with a memory that reads turns as soon as they are there. */
export async function openMemory(kind: TestDatabase['kind'], settings: Record<string, string> = {}) {
  const place = await createTestDatabase(kind)
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    OLLAMA_BASE_URL: 'http://127.0.0.1:9',
    LOG_LEVEL: 'error',
    SHUTDOWN_GRACE_MS: '200',
    ...place.settings,
    ...settings,
  })
  const app = await createApp(config, { memoryPace: { quietMs: 0, longestMs: 0 } })
  return {
    ...createTestClient(await app.listen()),
    app,
    memory: app.memory,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await place[Symbol.asyncDispose]()
    },
  }
}
export type MemoryHouse = Awaited<ReturnType<typeof openMemory>>

/** Somebody in a conversation with an avee of somebody's. */
export type Talk = {
  person: TestUser
  client: TestClient
  aveeId: string
  userId: string
  conversationId: string
  /** Says something and has it answered; resolves, when it is read, to the id of the message. */
  say(
    text: string,
    more?: { at?: string; layer?: Layer; answer?: string; recalled?: string[]; model?: string },
  ): Promise<string>
  /** What is remembered, in the order in which it was learned. */
  memories(query?: string): Promise<Memory[]>
  /** What an answer would be given. */
  recall(query: string, more?: Partial<Parameters<MemoryRoom['recall']>[0]>): Promise<string[]>
}

/** Opens a conversation of a new person with an avee: their own, or the one that is named. */
export async function talk(house: MemoryHouse, aveeIdOrNone?: string, known?: TestUser): Promise<Talk> {
  const person = known ?? (await registerUser(house))
  const { client } = person
  const aveeId = aveeIdOrNone ?? (await createAvee(client)).id
  const conversation = await createConversation(client, aveeId)
  const userId = person.session.user.id
  let parent: string | null = null

  return {
    person,
    client,
    aveeId,
    userId,
    conversationId: conversation.id,

    async say(text, more = {}) {
      const at = more.at ?? new Date().toISOString()
      const layer = more.layer ?? 'intimate'
      const [questionId, answerId] = [newId(), newId()]
      const under = parent
      const answer = more.answer ?? 'I see.'
      await house.app.database.transaction(async (trx) => {
        const rows = [
          { id: questionId, parent: under, role: 'user', content: text, model: null },
          {
            id: answerId,
            parent: questionId,
            role: 'assistant',
            content: answer,
            model: more.model ?? 'extractive',
          },
        ]
        for (const row of rows) {
          await sql`
            insert into messages (id, conversation_id, parent_id, role, content, status, layer_used, model, created_at)
            values (${row.id}, ${conversation.id}, ${row.parent}, ${row.role}, ${row.content}, 'complete', ${layer}, ${row.model}, ${at})
          `.execute(trx)
        }
        await house.memory.note(trx, {
          conversationId: conversation.id,
          userMessageId: questionId,
          messageId: answerId,
          aveeId,
          userId,
          layer,
          recalled: more.recalled ?? [],
        })
      })
      parent = answerId
      await house.memory.settled()
      return questionId
    },

    async memories(query = '') {
      const { memories } = bodyOf(
        await client.get<{ memories: Memory[] }>(`/memories?avee=${aveeId}&limit=200${query}`),
      )
      return memories.toReversed()
    },

    async recall(query, more = {}) {
      const found = await house.memory.recall({
        aveeId,
        userId,
        layer: 'intimate',
        query,
        words: 200,
        remote: false,
        signal: AbortSignal.timeout(10_000),
        ...more,
      })
      return found.map((memory) => memory.content)
    },
  }
}
