import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Memory, MemorySettings } from '../../contract/memory.ts'
import { bodyOf, createAvee, registerUser } from '../builders.ts'
import { DATABASES } from '../databases.ts'
import { type MemoryHouse, openMemory, talk } from './house.ts'

for (const kind of DATABASES) {
  describe(`memories on ${kind}`, () => {
    let house: MemoryHouse
    beforeAll(async () => {
      house = await openMemory(kind)
    })
    afterAll(async () => {
      await house?.[Symbol.asyncDispose]()
    })

    test('what somebody says of themselves is remembered with the words it was said in', async () => {
      const one = await talk(house)
      const text = "Good morning! I'm allergic to peanuts. What should I cook?"
      const id = await one.say(text, { at: '2026-03-06T10:00:00Z' })
      const [memory] = await one.memories()
      expect(memory).toMatchObject({
        type: 'fact',
        content: "I'm allergic to peanuts",
        source_message_id: id,
        conversation_id: one.conversationId,
        layer: 'intimate',
        valid_until: null,
        confirmations: 1,
      })
      expect(text.slice(memory?.source?.start, memory?.source?.end)).toBe("I'm allergic to peanuts")
      const listed = bodyOf(
        await one.client.get<{ avee_id: string; memories: Memory[]; total: number }>(
          `/chat/${one.conversationId}/memories`,
        ),
      )
      expect(listed).toMatchObject({ avee_id: one.aveeId, total: 1 })
      expect(listed.memories).toEqual([memory])
    })

    test('the same again makes surer, another value takes the place, and the old one is found by asking for it', async () => {
      const one = await talk(house)
      await one.say('I live in Paris.', { at: '2024-01-10T10:00:00Z' })
      await one.say('As I said, I live in Paris.', { at: '2024-02-10T10:00:00Z' })
      const [first] = await one.memories()
      expect(first).toMatchObject({ confirmations: 2, last_confirmed_at: '2024-02-10T10:00:00.000Z' })
      expect(first?.confidence).toBeGreaterThan(0.8)

      await one.say('I moved to Rome last month.', { at: '2025-06-15T10:00:00Z' })
      expect((await one.memories()).map(({ content }) => content)).toEqual([
        'I moved to Rome last month (2025-05)',
      ])
      const all = await one.memories('&include_past=true')
      expect(all).toHaveLength(2)
      expect(all[0]).toMatchObject({
        content: 'I live in Paris',
        valid_until: '2025-05-01T00:00:00.000Z',
        superseded_by: all[1]?.id,
      })
      expect(await one.recall('Where did I use to live?')).toContain('I live in Paris')
      expect((await one.recall('Where do I live?'))[0]).toBe('I moved to Rome last month (2025-05)')
    })

    test('nothing of one person reaches another, the owner of the avee included', async () => {
      const owner = await registerUser(house)
      const avee = await createAvee(owner.client)
      const visitor = await talk(house, avee.id)
      const other = await talk(house, avee.id, owner)
      await visitor.say('My name is Wilhelmina.', { layer: 'public' })
      await other.say('My name is Ortrun.')
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
      const turns = await house.memory.recallTurns({
        aveeId: avee.id,
        userId: other.userId,
        layer: 'intimate',
        query: 'Wilhelmina',
        limit: 5,
        signal: AbortSignal.timeout(5_000),
      })
      expect(turns.filter((turn) => turn.content.includes('Wilhelmina'))).toEqual([])
      expect((await owner.client.delete(`/memories?avee=${avee.id}`)).status).toBe(200)
      expect(await visitor.memories()).toHaveLength(1)
    })

    test('under a lower layer than it was made at, a memory is not recalled, listed or counted', async () => {
      const owner = await registerUser(house)
      const avee = await createAvee(owner.client)
      const visitor = await talk(house, avee.id)
      bodyOf(
        await owner.client.put(`/avees/${avee.id}/permissions/${visitor.userId}`, { max_layer: 'friends' }),
      )
      await visitor.say('I live in Berlin.', { layer: 'public' })
      await visitor.say('My sister is called Eva.', { layer: 'friends' })
      await visitor.say('I moved to Vienna.', { layer: 'friends' })
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
      // Not even that something was true until then.
      expect(
        await visitor.recall('Who is my sister, and where do I live in Berlin?', { layer: 'public' }),
      ).toEqual([])
      expect(
        bodyOf(await visitor.client.delete<{ forgotten: number }>(`/memories?avee=${avee.id}`)).forgotten,
      ).toBe(3)
    })

    test('what is for local models only goes to no other', async () => {
      const one = await talk(house)
      await one.say('I have asthma.')
      const [memory] = await one.memories()
      bodyOf(await one.client.patch(`/memories/${memory?.id}`, { local_only: true }))
      expect(await one.recall('Do I have asthma?', { remote: true })).toEqual([])
      expect(await one.recall('Do I have asthma?')).toEqual(['I have asthma'])
    })

    test('is edited, pinned, forgotten, called back, and gone for good after a week', async () => {
      const one = await talk(house)
      await one.say('I work at Siemens.')
      const [memory] = await one.memories()
      const path = `/memories/${memory?.id}`
      expect(
        bodyOf(await one.client.patch<Memory>(path, { content: 'I work at Bosch', pinned: true })),
      ).toMatchObject({
        content: 'I work at Bosch',
        pinned: true,
        edited: true,
        confidence: 1,
      })
      expect(await one.recall('Tell me a joke')).toEqual(['I work at Bosch'])

      expect(bodyOf(await one.client.delete<object>(path))).toMatchObject({ ok: true, forgotten: 1 })
      expect(await one.memories('&include_past=true')).toEqual([])
      expect(await one.recall('Where do I work? Bosch?')).toEqual([])
      expect((await one.client.patch(path, { pinned: false })).status).toBe(404)
      expect(bodyOf(await one.client.get<{ memories: Memory[] }>('/memories/export')).memories).toEqual([])

      bodyOf(await one.client.post(`${path}/restore`))
      expect(await one.recall('Where do I work?')).toEqual(['I work at Bosch'])
      // A correction finds what was edited in its place.
      await one.say('I now work at Miele.')
      expect((await one.memories()).map(({ content }) => content)).toEqual(['I now work at Miele'])
    })

    test('forgetting a correction brings back what it had corrected', async () => {
      const one = await talk(house)
      await one.say('I live in Paris.')
      await one.say('I moved to Rome.')
      const [rome] = await one.memories()
      bodyOf(await one.client.delete(`/memories/${rome?.id}`))
      expect((await one.memories()).map(({ content }) => content)).toEqual(['I live in Paris'])
      bodyOf(await one.client.post(`/memories/${rome?.id}/restore`))
      expect((await one.memories()).map(({ content }) => content)).toEqual(['I moved to Rome'])
    })

    test('switched off, nothing is recalled and nothing learned, for one avee or for all', async () => {
      const one = await talk(house)
      await one.say('I live in Oslo.')
      const set = async (body: object) =>
        bodyOf(await one.client.put<MemorySettings>('/memories/settings', body))
      const off = await set({ enabled: false, avee: one.aveeId })
      expect(off).toMatchObject({
        enabled: true,
        avees: [{ avee_id: one.aveeId, enabled: false, memories: 1 }],
      })
      await one.say('I moved to Bergen.')
      expect(await one.recall('Where do I live?')).toEqual([])
      expect((await one.client.post('/memories', { avee: one.aveeId, content: 'I ski' })).status).toBe(409)

      await set({ enabled: true, avee: one.aveeId })
      expect(await one.recall('Where do I live? In Oslo?')).toEqual(['I live in Oslo'])
      expect((await one.memories()).map(({ content }) => content)).toEqual(['I live in Oslo'])

      const gone = await set({ enabled: false, forget: true })
      expect(gone).toMatchObject({ enabled: false })
      expect(await one.memories('&include_past=true')).toEqual([])
      await set({ enabled: true })
      await one.say('I live in Bodø.')
      expect(await one.memories()).toHaveLength(1)
    })

    test('a key for one avee sees only what that avee remembers', async () => {
      const person = await registerUser(house)
      const one = await talk(house, undefined, person)
      const two = await talk(house, undefined, person)
      await one.say('I live in Oslo.')
      await two.say('I like tea.')
      const { key } = bodyOf(await person.client.post<{ key: string }>('/api-keys', { avee_id: two.aveeId }))
      const program = house.as(key)
      const listed = bodyOf(await program.get<{ memories: Memory[]; total: number }>('/memories'))
      expect(listed.memories.map(({ content }) => content)).toEqual(['I like tea'])
      expect(listed.total).toBe(1)
      const [oslo] = await one.memories()
      expect((await program.delete(`/memories/${oslo?.id}`)).status).toBe(404)
      expect((await program.delete(`/memories?avee=${one.aveeId}`)).status).toBe(404)
      expect((await program.put('/memories/settings', { enabled: false })).status).toBe(403)
      expect(bodyOf(await program.get<MemorySettings>('/memories/settings')).avees).toHaveLength(1)
    })

    test('written by hand, searched, and paged; a secret is not kept', async () => {
      const one = await talk(house)
      const write = (content: string) =>
        one.client.post<Memory>('/memories', { avee: one.aveeId, content, type: 'preference' })
      for (const content of ['Answers in metric units', 'Short answers, please', 'Jazz in the evening'])
        bodyOf(await write(content))
      expect((await write('My password is hunter2')).status).toBe(422)
      const [first] = await one.memories()
      expect(
        (await one.client.patch(`/memories/${first?.id}`, { content: 'Card 4111 1111 1111 1111' })).status,
      ).toBe(422)
      expect((await one.memories('&query=answers short')).map(({ content }) => content)).toEqual([
        'Short answers, please',
      ])
      const page = bodyOf(
        await one.client.get<{ memories: Memory[]; total: number; next_cursor: string }>(
          `/memories?avee=${one.aveeId}&limit=2`,
        ),
      )
      expect(page.total).toBe(3)
      const rest = bodyOf(
        await one.client.get<{ memories: Memory[]; next_cursor: null }>(
          `/memories?avee=${one.aveeId}&limit=2&cursor=${page.next_cursor}`,
        ),
      )
      expect([...page.memories, ...rest.memories].map(({ content }) => content)).toEqual([
        'Jazz in the evening',
        'Short answers, please',
        'Answers in metric units',
      ])
      expect(rest.next_cursor).toBeNull()
    })

    test('says which memories an answer was given, without those forgotten since', async () => {
      const one = await talk(house)
      await one.say('I live in Oslo.')
      await one.say('I like tea.')
      const [oslo, tea] = await one.memories()
      const viewer = { userId: one.userId, aveeId: null }
      const asked = await one.say('What do you know?', { recalled: [oslo?.id ?? '', tea?.id ?? ''] })
      const { messages } = bodyOf(
        await one.client.get<{ messages: { id: string; parent_id: string }[] }>(
          `/conversations/${one.conversationId}/messages`,
        ),
      )
      const rows = await house.app.database.db
        .selectFrom('messages')
        .select('id')
        .where('parent_id', '=', asked)
        .execute()
      const answer = rows[0]?.id ?? messages.at(-1)?.id ?? ''
      expect((await house.memory.usedIn(viewer, one.aveeId, [answer])).get(answer)).toHaveLength(2)
      bodyOf(await one.client.delete(`/memories/${tea?.id}`))
      expect((await house.memory.usedIn(viewer, one.aveeId, [answer])).get(answer)).toEqual([
        { id: oslo?.id, type: 'fact', content: 'I live in Oslo' },
      ])
    })
  })
}
