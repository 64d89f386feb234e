import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Memory, MemorySettings } from '../../contract/memory.ts'
import { bodyOf, createAvee, registerUser } from '../builders.ts'
import { ONE_DATABASE } from '../databases.ts'
import { type MemoryApp, startMemoryApp, startTestConversation } from './app.ts'

for (const kind of ONE_DATABASE) {
  describe(`memories on ${kind}`, () => {
    let app: MemoryApp
    beforeAll(async () => {
      app = await startMemoryApp(kind)
    })
    afterAll(async () => {
      await app?.[Symbol.asyncDispose]()
    })

    test('an explicit request is remembered with the offsets of its text', async () => {
      const conversation = await startTestConversation(app)
      const text = "Good morning! Remember that I'm allergic to peanuts. What should I cook?"
      const id = await conversation.say(text, { at: '2026-03-06T10:00:00Z' })
      const [memory] = await conversation.memories()
      expect(memory).toMatchObject({
        type: 'fact',
        content: "I'm allergic to peanuts",
        source_message_id: id,
        conversation_id: conversation.conversationId,
        layer: 'intimate',
        valid_until: null,
        confirmations: 1,
      })
      expect(text.slice(memory?.source?.start, memory?.source?.end)).toBe("I'm allergic to peanuts")
      const listed = bodyOf(
        await conversation.client.get<{ avee_id: string; memories: Memory[]; total: number }>(
          `/chat/${conversation.conversationId}/memories`,
        ),
      )
      expect(listed).toMatchObject({ avee_id: conversation.aveeId, total: 1 })
      expect(listed.memories).toEqual([memory])
    })

    test('without a language model only explicit requests are remembered, and once each', async () => {
      const conversation = await startTestConversation(app)
      await conversation.say('I live in Paris and my name is Tom.')
      await conversation.say('Lembra-te que a minha senha é abacate')
      await conversation.say('Remember that I like tea.')
      await conversation.say('Please remember: I like tea!')
      expect(
        (await conversation.memories()).map(({ content, confirmations }) => [content, confirmations]),
      ).toEqual([['I like tea', 2]])
    })

    test('an explicit request to forget deletes the memories that contain its words', async () => {
      const conversation = await startTestConversation(app)
      await conversation.say('Remember that I live in Paris.')
      await conversation.say('Remember that I like tea.')
      await conversation.say('Forget it.')
      expect(await conversation.memories()).toHaveLength(2)
      await conversation.say('Forget that I live in Paris.')
      expect((await conversation.memories()).map(({ content }) => content)).toEqual(['I like tea'])
    })

    test('a request to forget does not forget what is stated after it', async () => {
      const conversation = await startTestConversation(app)
      await conversation.store('Forget that I like tea.', { at: '2026-01-01T10:00:00Z' })
      await conversation.say('Remember that I like tea.', { at: '2026-01-01T10:01:00Z' })
      expect((await conversation.memories()).map(({ content }) => content)).toEqual(['I like tea'])
    })

    test('memories of the period that a question names are recalled', async () => {
      const conversation = await startTestConversation(app)
      const tuesday = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10)
      await conversation.say(`Remember that the dentist expects me on ${tuesday}.`)
      await conversation.say('Remember that I like tea.')
      expect(await conversation.recall(`What is planned for ${tuesday}?`)).toEqual([
        `The dentist expects me on ${tuesday}`,
      ])
    })

    test('memories of one user are hidden from everybody else, also from the owner of the avee', async () => {
      const owner = await registerUser(app)
      const avee = await createAvee(owner.client)
      const visitor = await startTestConversation(app, { aveeId: avee.id })
      const other = await startTestConversation(app, { aveeId: avee.id, user: owner })
      await visitor.say('Remember that my name is Wilhelmina.', { layer: 'public' })
      await other.say('Remember that my name is Ortrun.')
      const [memory] = await visitor.memories()
      const path = `/memories/${memory?.id}`
      const answers = await Promise.all([
        owner.client.patch(path, { content: 'x' }),
        owner.client.delete(path),
        owner.client.post(`${path}/restore`),
        owner.client.get(`/chat/${visitor.conversationId}/memories`),
      ])
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404])
      expect(JSON.stringify(await other.memories('&include_past=true'))).not.toContain('Wilhelmina')
      expect(await other.recall('Who is Wilhelmina? What is my name?')).toEqual(['My name is Ortrun'])
      expect(JSON.stringify(bodyOf(await owner.client.get('/memories/export')))).not.toContain('Wilhelmina')
      const turns = await app.memory.recallTurns({
        aveeId: avee.id,
        userId: other.userId,
        layer: 'intimate',
        query: 'Wilhelmina',
        limit: 5,
        signal: AbortSignal.timeout(60_000),
      })
      expect(turns.filter((turn) => turn.content.includes('Wilhelmina'))).toEqual([])
      expect((await owner.client.delete(`/memories?avee=${avee.id}`)).status).toBe(200)
      expect(await visitor.memories()).toHaveLength(1)
    })

    test('a memory of a wider layer than the current one is not recalled, listed or counted', async () => {
      const owner = await registerUser(app)
      const avee = await createAvee(owner.client)
      const visitor = await startTestConversation(app, { aveeId: avee.id })
      bodyOf(
        await owner.client.put(`/avees/${avee.id}/permissions/${visitor.userId}`, { max_layer: 'friends' }),
      )
      await visitor.say('Remember that I live in Berlin.', { layer: 'public' })
      await visitor.say('Remember that my sister is called Eva.', { layer: 'friends' })
      await visitor.say('Remember that I live in Vienna.', { layer: 'friends' })
      const [vienna, , berlin] = (await visitor.memories()).toReversed()
      await app.app.database.db
        .updateTable('memories')
        .set({ valid_until: new Date(), superseded_by: vienna?.id ?? '' })
        .where('id', '=', berlin?.id ?? '')
        .execute()
      expect(await visitor.memories()).toHaveLength(2)
      expect(
        await visitor.recall('Who is my sister, and where do I live?', { layer: 'friends' }),
      ).toHaveLength(3)

      bodyOf(await owner.client.delete(`/avees/${avee.id}/permissions/${visitor.userId}`))
      const listed = bodyOf(
        await visitor.client.get<{ total: number; memories: Memory[] }>(
          `/chat/${visitor.conversationId}/memories`,
        ),
      )
      expect(listed).toMatchObject({ total: 0, memories: [] })
      expect(JSON.stringify(bodyOf(await visitor.client.get('/memories')))).not.toMatch(/Eva|Vienna/)
      // A past memory would reveal that something superseded it.
      expect(
        await visitor.recall('Who is my sister, and where do I live in Berlin?', { layer: 'public' }),
      ).toEqual([])
      expect(
        bodyOf(await visitor.client.delete<{ forgotten: number }>(`/memories?avee=${avee.id}`)).forgotten,
      ).toBe(3)
    })

    test('memories are deleted with the conversation that they come from, unless another one confirmed them', async () => {
      const first = await startTestConversation(app)
      const second = await startTestConversation(app, first)
      await first.say('Remember that I live in Berlin.')
      await first.say('Remember that my sister is called Eva.')
      await first.say('Remember that I have asthma.')
      await second.say('Remember that my sister is called Eva.')
      await second.say('Remember that I like tea.')
      const asthma = (await first.memories()).find(({ content }) => content.includes('asthma'))
      bodyOf(await first.client.patch(`/memories/${asthma?.id}`, { content: 'I have mild asthma' }))
      const contents = async () => (await first.memories()).map(({ content }) => content)
      expect(await contents()).toHaveLength(4)

      bodyOf(await first.client.delete(`/conversations/${first.conversationId}?permanent=true`))
      expect(await contents()).toEqual([
        expect.stringContaining('Eva'),
        'I have mild asthma',
        expect.stringContaining('tea'),
      ])
      expect(await first.recall('Where do I live?')).not.toContainEqual(expect.stringContaining('Berlin'))
      const stored = await app.app.database.db
        .selectFrom('memories')
        .select('id')
        .where('content', 'ilike', '%Berlin%')
        .where('user_id', '=', first.userId)
        .execute()
      expect(stored).toEqual([])
    })

    test('what a deleted memory superseded is current again', async () => {
      const first = await startTestConversation(app)
      const second = await startTestConversation(app, first)
      await first.say('Remember that I live in Berlin.')
      await second.say('Remember that I live in Vienna.')
      const [berlin, vienna] = await first.memories()
      await app.app.database.db
        .updateTable('memories')
        .set({ valid_until: new Date(), superseded_by: vienna?.id ?? '' })
        .where('id', '=', berlin?.id ?? '')
        .execute()
      bodyOf(await second.client.delete(`/conversations/${second.conversationId}`))
      expect(await first.memories()).toMatchObject([{ id: berlin?.id, valid_until: null }])
    })

    test('a memory for local models only is not sent to a remote model', async () => {
      const conversation = await startTestConversation(app)
      await conversation.say('Remember that I have asthma.')
      const [memory] = await conversation.memories()
      bodyOf(await conversation.client.patch(`/memories/${memory?.id}`, { local_only: true }))
      expect(await conversation.recall('Do I have asthma?', { remote: true })).toEqual([])
      expect(await conversation.recall('Do I have asthma?')).toEqual(['I have asthma'])
    })

    test('a memory is edited, pinned, forgotten and restored', async () => {
      const conversation = await startTestConversation(app)
      await conversation.say('Remember that I work at Siemens.')
      const [memory] = await conversation.memories()
      const path = `/memories/${memory?.id}`
      expect(
        bodyOf(await conversation.client.patch<Memory>(path, { content: 'I work at Bosch', pinned: true })),
      ).toMatchObject({
        content: 'I work at Bosch',
        pinned: true,
        edited: true,
        confidence: 1,
      })
      expect(await conversation.recall('Tell me a joke')).toEqual(['I work at Bosch'])

      expect(bodyOf(await conversation.client.delete<object>(path))).toMatchObject({ ok: true, forgotten: 1 })
      expect(await conversation.memories('&include_past=true')).toEqual([])
      expect(await conversation.recall('Where do I work? Bosch?')).toEqual([])
      expect((await conversation.client.patch(path, { pinned: false })).status).toBe(404)
      expect(
        bodyOf(await conversation.client.get<{ memories: Memory[] }>('/memories/export')).memories,
      ).toEqual([])

      bodyOf(await conversation.client.post(`${path}/restore`))
      expect(await conversation.recall('Where do I work?')).toEqual(['I work at Bosch'])
    })

    test('while memory is off, nothing is recalled or extracted, for one avee or for all', async () => {
      const conversation = await startTestConversation(app)
      await conversation.say('Remember that I live in Oslo.')
      const set = async (body: object) =>
        bodyOf(await conversation.client.put<MemorySettings>('/memories/settings', body))
      const off = await set({ enabled: false, avee: conversation.aveeId })
      expect(off).toMatchObject({
        enabled: true,
        avees: [{ avee_id: conversation.aveeId, enabled: false, memories: 1 }],
      })
      await conversation.say('Remember that I moved to Bergen.')
      expect(await conversation.recall('Where do I live?')).toEqual([])
      expect(
        (await conversation.client.post('/memories', { avee: conversation.aveeId, content: 'I ski' })).status,
      ).toBe(409)

      await set({ enabled: true, avee: conversation.aveeId })
      expect(await conversation.recall('Where do I live? In Oslo?')).toEqual(['I live in Oslo'])
      expect((await conversation.memories()).map(({ content }) => content)).toEqual(['I live in Oslo'])

      const gone = await set({ enabled: false, forget: true })
      expect(gone).toMatchObject({ enabled: false })
      expect(await conversation.memories('&include_past=true')).toEqual([])
      await set({ enabled: true })
      await conversation.say('Remember that I live in Bodø.')
      expect(await conversation.memories()).toHaveLength(1)
    })

    test('an API key for one avee has access to the memories of that avee only', async () => {
      const person = await registerUser(app)
      const conversation = await startTestConversation(app, { user: person })
      const other = await startTestConversation(app, { user: person })
      await conversation.say('Remember that I live in Oslo.')
      await other.say('Remember that I like tea.')
      const { key } = bodyOf(
        await person.client.post<{ key: string }>('/api-keys', { avee_id: other.aveeId }),
      )
      const program = app.as(key)
      const listed = bodyOf(await program.get<{ memories: Memory[]; total: number }>('/memories'))
      expect(listed.memories.map(({ content }) => content)).toEqual(['I like tea'])
      expect(listed.total).toBe(1)
      const [oslo] = await conversation.memories()
      expect((await program.delete(`/memories/${oslo?.id}`)).status).toBe(404)
      expect((await program.delete(`/memories?avee=${conversation.aveeId}`)).status).toBe(404)
      expect((await program.put('/memories/settings', { enabled: false })).status).toBe(403)
      expect(bodyOf(await program.get<MemorySettings>('/memories/settings')).avees).toHaveLength(1)
    })

    test('memories are created, searched and paged; a secret is rejected', async () => {
      const conversation = await startTestConversation(app)
      const write = (content: string) =>
        conversation.client.post<Memory>('/memories', {
          avee: conversation.aveeId,
          content,
          type: 'preference',
        })
      for (const content of ['Answers in metric units', 'Short answers, please', 'Jazz in the evening'])
        bodyOf(await write(content))
      expect((await write('My password is hunter2')).status).toBe(422)
      const [first] = await conversation.memories()
      expect(
        (await conversation.client.patch(`/memories/${first?.id}`, { content: 'Card 4111 1111 1111 1111' }))
          .status,
      ).toBe(422)
      expect((await conversation.memories('&query=answers short')).map(({ content }) => content)).toEqual([
        'Short answers, please',
      ])
      const page = bodyOf(
        await conversation.client.get<{ memories: Memory[]; total: number; next_cursor: string }>(
          `/memories?avee=${conversation.aveeId}&limit=2`,
        ),
      )
      expect(page.total).toBe(3)
      const rest = bodyOf(
        await conversation.client.get<{ memories: Memory[]; next_cursor: null }>(
          `/memories?avee=${conversation.aveeId}&limit=2&cursor=${page.next_cursor}`,
        ),
      )
      expect([...page.memories, ...rest.memories].map(({ content }) => content)).toEqual([
        'Jazz in the evening',
        'Short answers, please',
        'Answers in metric units',
      ])
      expect(rest.next_cursor).toBeNull()
    })

    test('lists the memories in the prompt of an answer, except those forgotten since', async () => {
      const conversation = await startTestConversation(app)
      await conversation.say('Remember that I live in Oslo.')
      await conversation.say('Remember that I like tea.')
      const [oslo, tea] = await conversation.memories()
      const viewer = { userId: conversation.userId, aveeId: null }
      const asked = await conversation.say('What do you know?', { recalled: [oslo?.id ?? '', tea?.id ?? ''] })
      const { messages } = bodyOf(
        await conversation.client.get<{ messages: { id: string; parent_id: string }[] }>(
          `/conversations/${conversation.conversationId}/messages`,
        ),
      )
      const rows = await app.app.database.db
        .selectFrom('messages')
        .select('id')
        .where('parent_id', '=', asked)
        .execute()
      const answer = rows[0]?.id ?? messages.at(-1)?.id ?? ''
      expect((await app.memory.usedIn(viewer, conversation.aveeId, [answer])).get(answer)).toHaveLength(2)
      bodyOf(await conversation.client.delete(`/memories/${tea?.id}`))
      expect((await app.memory.usedIn(viewer, conversation.aveeId, [answer])).get(answer)).toEqual([
        { id: oslo?.id, type: 'fact', content: 'I live in Oslo' },
      ])
    })
  })
}
