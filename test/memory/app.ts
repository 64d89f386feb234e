import { sql } from 'kysely'
import type { Layer } from '../../contract/layers.ts'
import type { Memory as WireMemory } from '../../contract/memory.ts'
import { createApp } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { newId } from '../../server/db/index.ts'
import type { Memory } from '../../server/memory/index.ts'
import { bodyOf, createAvee, createConversation, registerUser, type TestUser } from '../builders.ts'
import { createTestClient, type TestClient } from '../client.ts'
import { createTestDatabase, type TestDatabase } from '../databases.ts'

/** Starts an app that extracts memories without waiting for idle conversations. */
export async function startMemoryApp(kind: TestDatabase['kind'], settings: Record<string, string> = {}) {
  const database = await createTestDatabase(kind)
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    OLLAMA_BASE_URL: 'http://127.0.0.1:9',
    LOG_LEVEL: 'silent',
    REGISTRATION: 'open',
    SHUTDOWN_GRACE_MS: '200',
    BACKGROUND_MODEL_REST_MS: '400',
    ...database.settings,
    ...settings,
  })
  const app = await createApp(config, { memoryPace: { quietMs: 0, maxWaitMs: 0 } })
  return {
    ...createTestClient(await app.listen()),
    app,
    memory: app.memory,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
export type MemoryApp = Awaited<ReturnType<typeof startMemoryApp>>

/** A user's conversation with an avee. */
export type TestConversation = {
  user: TestUser
  client: TestClient
  aveeId: string
  userId: string
  conversationId: string
  /** Stores a message with its answer. Returns the ids of both. */
  store(text: string, options?: TurnOptions): Promise<{ questionId: string; answerId: string }>
  /** Stores a message with its answer, and waits for the extraction of memories. Returns the id of the message. */
  say(text: string, options?: TurnOptions): Promise<string>
  /** Lists memories, the oldest first. */
  memories(query?: string): Promise<WireMemory[]>
  /** Returns the texts that a prompt would contain. */
  recall(query: string, options?: Partial<Parameters<Memory['recall']>[0]>): Promise<string[]>
}

type TurnOptions = { at?: string; layer?: Layer; answer?: string; recalled?: string[]; model?: string }

/** Opens a conversation with an avee, by default of a new user with a new avee. */
export async function startTestConversation(
  app: MemoryApp,
  { user: known, aveeId: given }: { user?: TestUser; aveeId?: string } = {},
): Promise<TestConversation> {
  const user = known ?? (await registerUser(app))
  const { client } = user
  const aveeId = given ?? (await createAvee(client)).id
  const conversation = await createConversation(client, aveeId)
  const userId = user.session.user.id
  let parent: string | null = null

  async function store(text: string, options: TurnOptions = {}) {
    const at = options.at ?? new Date().toISOString()
    const layer = options.layer ?? 'intimate'
    const answer = options.answer ?? 'I see.'
    const model = options.model ?? 'extractive'
    const [questionId, answerId] = [newId(), newId()]
    const rows = [
      { id: questionId, parent, role: 'user', content: text, model: null },
      { id: answerId, parent: questionId, role: 'assistant', content: answer, model },
    ]
    const turn = await app.memory.prepareTurn({
      conversationId: conversation.id,
      userMessageId: questionId,
      messageId: answerId,
      question: text,
      answer,
      aveeId,
      userId,
      layer,
      recalled: options.recalled ?? [],
    })
    await app.app.database.transaction(async (trx) => {
      for (const row of rows) {
        await sql`
          insert into messages (id, conversation_id, parent_id, role, content, status, layer_used, model, created_at)
          values (${row.id}, ${conversation.id}, ${row.parent}, ${row.role}, ${row.content}, 'complete', ${layer}, ${row.model}, ${at})
        `.execute(trx)
      }
      await app.memory.recordTurn(trx, turn)
    })
    parent = answerId
    return { questionId, answerId }
  }

  return {
    user,
    client,
    aveeId,
    userId,
    conversationId: conversation.id,
    store,

    async say(text, options) {
      const { questionId } = await store(text, options)
      await app.memory.idle()
      return questionId
    },

    async memories(query = '') {
      const { memories } = bodyOf(
        await client.get<{ memories: WireMemory[] }>(`/memories?avee=${aveeId}&limit=200${query}`),
      )
      return memories.toReversed()
    },

    async recall(query, options = {}) {
      const found = await app.memory.recall({
        aveeId,
        userId,
        layer: 'intimate',
        query,
        maxWords: 200,
        remote: false,
        signal: AbortSignal.timeout(60_000),
        ...options,
      })
      return found.map((memory) => memory.content)
    },
  }
}
