import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AveeInsight, AveeUpdate, UnansweredQuestion } from '../../contract/avee-insight.ts'
import type { Message } from '../../contract/messages.ts'
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, createConversation, listMessages, registerUser, uploadFiles } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { askAndWait, askInNewConversation, createEngineAvee } from './setup.ts'

type Questions = { questions: UnansweredQuestion[]; hidden: number }
const unknown = 'The documents do not say.'

for (const kind of ONE_DATABASE) {
  describe(`insight for the owner of an avee on ${kind}`, () => {
    let ollama: ScriptedOllama
    let app: TestApp
    beforeAll(async () => {
      ollama = await startOllama()
      app = await startApp({ OLLAMA_BASE_URL: ollama.url }, kind)
    })
    afterAll(async () => {
      await app[Symbol.asyncDispose]()
      await ollama[Symbol.asyncDispose]()
    })
    const scriptAnswer = (...tokens: string[]) => ollama.script('/api/chat', { tokens })
    const inbox = async (client: TestClient, avee: { id: string }, state = 'open') =>
      bodyOf(await client.get<Questions>(`/avees/${avee.id}/questions?state=${state}`))
    const sharing = (client: TestClient, avee: { id: string }, settings: object) =>
      client.patch(`/avees/${avee.id}/insight/settings`, settings)

    test('groups similar unanswered questions and adds the owner’s answer to the documents', async () => {
      const { client, avee } = await createEngineAvee(app)
      for (const question of [
        'Who insured the engine against fire?',
        'And who insured the engine against fire?',
      ]) {
        scriptAnswer(unknown)
        await askInNewConversation(app, client, avee, question)
      }
      scriptAnswer(unknown)
      await askInNewConversation(app, client, avee, 'Which colour has the roof of the workshop?')
      scriptAnswer('It weaves 40 patterns per minute [1].')
      await askInNewConversation(app, client, avee, 'How many patterns does the engine weave?')
      const { questions } = await inbox(client, avee)
      expect(questions.map(({ question, count, reason }) => [question, count, reason])).toEqual([
        ['Which colour has the roof of the workshop?', 1, 'said_so'],
        ['Who insured the engine against fire?', 2, 'said_so'],
      ])

      const [roof, insured] = questions
      const path = `/avees/${avee.id}/questions`
      const answer = { answer: 'The engine was insured by Ada Lovelace.', layer: 'public' }
      const answered = bodyOf(
        await client.post<{ document_id: string }>(`${path}/${insured?.id}/answer`, answer),
      )
      bodyOf(await client.post(`${path}/${roof?.id}/dismiss`))
      expect((await inbox(client, avee)).questions).toEqual([])
      const kept = (await inbox(client, avee, 'answered')).questions
      expect(kept).toMatchObject([{ id: insured?.id, document_id: answered.document_id }])

      const { id } = await createConversation(client, avee.handle)
      await askAndWait(client, id, 'Who insured the engine against fire?')
      const reply = (await listMessages(client, id)).at(-1)
      const cited = { document_id: answered.document_id, text: expect.stringContaining('Ada Lovelace') }
      expect(reply?.citations).toContainEqual(expect.objectContaining(cited))
      bodyOf(await client.post('/api/models/active', { model: 'extractive' }))
      await askAndWait(client, id, 'Tell me, who insured the engine against fire?')
      expect((await listMessages(client, id)).at(-1)?.content).toContain('Ada Lovelace')
      bodyOf(await client.post('/api/models/active', { model: 'llama3.2:1b' }))
    })

    test('shows questions of users who agreed, without contact details, until they withdraw', async () => {
      const { client: owner, avee } = await createEngineAvee(app)
      const { client: visitor } = await registerUser(app)
      const ask = async (client: TestClient, question: string) => {
        scriptAnswer(unknown)
        return await askInNewConversation(app, client, avee, question)
      }
      bodyOf(await sharing(owner, avee, { share_unanswered: true }))
      await ask(visitor, 'Who insured the engine against fire?')
      expect(await inbox(owner, avee)).toEqual({ questions: [], hidden: 0 })

      const consentPath = `/avees/${avee.id}/sharing`
      expect(bodyOf(await visitor.get(consentPath))).toEqual({
        share_unanswered: true,
        allow_pass_on: false,
        my_choice: null,
      })
      bodyOf(await visitor.put(consentPath, { share: true }))
      const { conversationId } = await ask(
        visitor,
        'Was the lock of the workshop sold to bo@example.org or +49 170 1234567?',
      )
      const { questions } = await inbox(owner, avee)
      expect(questions).toMatchObject([
        { question: 'Was the lock of the workshop sold to … or …?', passed_on: [] },
      ])
      expect(JSON.stringify(questions)).not.toMatch(/example\.org|1234567|fire/)

      bodyOf(await visitor.put(consentPath, { share: false }))
      expect((await inbox(owner, avee)).questions).toEqual([])
      bodyOf(await visitor.put(consentPath, { share: true }))
      await ask(visitor, 'How heavy is the lid of the cauldron?')
      expect((await inbox(owner, avee)).questions).toHaveLength(1)
      bodyOf(await visitor.delete(`/conversations/${conversationId}`))
      bodyOf(await sharing(owner, avee, { share_unanswered: false }))
      await ask(visitor, 'How old is the youngest of the apprentices?')
      expect((await inbox(owner, avee)).questions.map(({ question }) => question)).toEqual([
        'How heavy is the lid of the cauldron?',
      ])
    })

    test('receives forwarded questions if the owner accepts them, and delivers one reply', async () => {
      const { client: owner, avee } = await createEngineAvee(app)
      const { client: visitor } = await registerUser(app, { display_name: 'Bo' })
      const { client: other } = await registerUser(app)
      scriptAnswer('Perhaps Ada.')
      const { conversationId, messageId } = await askInNewConversation(
        app,
        visitor,
        avee,
        'Who insured the engine against fire?',
      )
      const forward = (client: TestClient) =>
        client.post(`/messages/${messageId}/pass-on`, { note: 'For my book.' })
      expect((await forward(visitor)).status).toBe(403)
      bodyOf(await sharing(owner, avee, { allow_pass_on: true }))
      expect((await forward(other)).status).toBe(404)
      const sent = bodyOf(
        await visitor.post<{ question_id: string }>(`/messages/${messageId}/pass-on`, {
          note: 'For my book.',
        }),
      )
      expect(bodyOf(await forward(visitor))).toEqual(sent)

      const [question] = (await inbox(owner, avee)).questions
      expect(question).toMatchObject({
        id: sent.question_id,
        question: 'Who insured the engine against fire?',
        passed_on: [{ from: 'Bo', note: 'For my book.', replied: false }],
      })
      const path = `/avees/${avee.id}/questions/${question?.id}/answer`
      const tooClose = { answer: 'My brother did.', layer: 'intimate', keep: false }
      expect(bodyOf(await owner.post(path, tooClose))).toEqual({ document_id: null, replies: 0 })
      const reply = { answer: 'Nobody did.', layer: 'public', keep: false }
      expect(bodyOf(await owner.post(path, reply))).toEqual({ document_id: null, replies: 1 })
      expect(bodyOf(await owner.post(path, reply))).toMatchObject({ replies: 0 })
      const messages = await listMessages(visitor, conversationId)
      expect(messages.map(({ content }) => content)).toEqual([
        'Who insured the engine against fire?',
        'Perhaps Ada.',
        'Nobody did.',
      ])
      expect(messages.at(-1)).toMatchObject({ model: null, model_reason: 'The owner of this avee replied.' })
      scriptAnswer('Nobody insured it, as I said.')
      await askAndWait(visitor, conversationId, 'Nobody at all?')
      const prompt = ollama.requestsTo('/api/chat').at(-1)?.body['messages'] as Pick<Message, 'content'>[]
      expect(prompt.map(({ content }) => content)).toContain('Nobody did.')
      expect(
        (await visitor.post(`/conversations/${conversationId}/messages/${messages.at(-1)?.id}/regenerate`))
          .status,
      ).toBe(400)
    })

    test('includes turns of other users once there are three of them, and none of their texts', async () => {
      const { client: owner, avee } = await createEngineAvee(app)
      await uploadFiles(owner, [{ name: 'looms.md', content: '# Looms\n\nLooms of Lyon weave silk.' }], {
        avee: avee.id,
        layer: 'public',
      })
      const seen = async () => bodyOf(await owner.get<AveeInsight>(`/avees/${avee.id}/insight`))
      const visit = async () => {
        const { client } = await registerUser(app)
        scriptAnswer('Zanzibar weaves 40 patterns per minute [1].')
        const { messageId } = await askInNewConversation(
          app,
          client,
          avee,
          'How fast does Zanzibar weave patterns?',
        )
        bodyOf(await client.put(`/messages/${messageId}/feedback`, { vote: 'up' }))
      }
      await visit()
      await visit()
      const few = await seen()
      expect(few.totals).toMatchObject({ turns: 0, conversations: 0, thumbs_up: 0, factual_grounding: null })
      expect([few.by_day, few.topics, few.documents_used, few.withheld]).toEqual([[], [], [], true])
      expect(few.documents_unused_total).toBe(2)

      scriptAnswer('The engine weaves 40 patterns per minute [1].')
      await askInNewConversation(app, owner, avee, 'How fast does the engine weave patterns?')
      const own = await seen()
      expect(own.totals).toMatchObject({ turns: 1, thumbs_up: 0 })
      expect(JSON.stringify(own)).not.toMatch(/zanzibar/i)

      await visit()
      const enough = await seen()
      expect(enough.totals).toMatchObject({ turns: 4, conversations: 4, thumbs_up: 3, unanswered: 0 })
      expect(enough.withheld).toBe(false)
      expect(enough.by_day).toMatchObject([{ turns: 4 }])
      expect(enough.topics.map(({ topic }) => topic.toLowerCase()).join(' ')).toMatch(/zanzibar/)
      expect(enough.documents_used).toMatchObject([{ title: 'The Analytical Engine', turns: 4 }])
      expect(enough.documents_unused).toMatchObject([{ title: 'Looms' }])
    })

    test('is accessible to the owner only', async () => {
      const { client: owner, avee } = await createEngineAvee(app)
      const { client: visitor } = await registerUser(app)
      scriptAnswer(unknown)
      await askInNewConversation(app, owner, avee, 'Who insured the engine against fire?')
      const [question] = (await inbox(owner, avee)).questions
      const path = `/avees/${avee.id}`
      const statuses = await Promise.all([
        visitor.get(`${path}/insight`),
        visitor.get(`${path}/insight/settings`),
        visitor.patch(`${path}/insight/settings`, { allow_pass_on: true }),
        visitor.get(`${path}/questions`),
        visitor.post(`${path}/questions/${question?.id}/answer`, { answer: 'Me.', layer: 'public' }),
        visitor.post(`${path}/questions/${question?.id}/dismiss`),
        visitor.post(`${path}/updates`, { text: 'Hello' }),
      ])
      expect(statuses.map(({ status }) => status)).toEqual(statuses.map(() => 403))
      bodyOf(await owner.patch(path, { visibility: 'private' }))
      expect((await visitor.get(`${path}/insight`)).status).toBe(404)
      const { client: stranger, avee: another } = await createEngineAvee(app)
      expect((await stranger.post(`/avees/${another.id}/questions/${question?.id}/dismiss`)).status).toBe(404)
    })

    test('indexes updates within their layer, reindexes changes and deletes their documents', async () => {
      const { client: owner, avee } = await createEngineAvee(app)
      const { client: visitor } = await registerUser(app)
      const path = `/avees/${avee.id}/updates`
      const post = async (body: object) => bodyOf(await owner.post<AveeUpdate>(path, body))
      const forAll = await post({ text: 'I have moved to Turin with the engine.', title: 'Moved' })
      await post({ text: 'My brother Bruno is ill.', layer: 'intimate' })
      await app.app.jobs.idle()
      const listed = async (client: TestClient) =>
        bodyOf(await client.get<{ updates: AveeUpdate[] }>(path)).updates.map(({ text, fresh }) => [
          text,
          fresh,
        ])
      expect(await listed(visitor)).toEqual([['I have moved to Turin with the engine.', true]])
      expect(await listed(owner)).toHaveLength(2)

      const fresh = async (days: number) =>
        await app.app.insight
          .freshUpdates({
            aveeId: avee.id,
            layers: ['public'],
            now: new Date(Date.now() + days * 24 * 60 * 60 * 1000),
          })
          .execute()
      expect(await fresh(1)).toMatchObject([
        { text: 'I have moved to Turin with the engine.', date: expect.any(Date) },
      ])
      expect(await fresh(31)).toEqual([])

      type Found = { results: { text: string }[] }
      const find = async (client: TestClient, query: string) =>
        bodyOf(await client.post<Found>('/search', { avee: avee.handle, query }))
          .results.map(({ text }) => text)
          .join('\n')
      expect(await find(visitor, 'moved Turin')).toContain('Turin')
      expect(await find(visitor, 'brother Bruno')).not.toContain('Bruno')
      expect(await find(owner, 'brother Bruno')).toContain('Bruno')

      const changed = { text: 'I have moved to Genoa with the engine.', layer: 'friends' }
      expect(bodyOf(await owner.patch(`${path}/${forAll.id}`, changed))).toMatchObject(changed)
      await app.app.jobs.idle()
      expect(await find(visitor, 'moved Turin Genoa')).not.toMatch(/Turin|Genoa/)
      expect(await find(owner, 'moved Turin Genoa')).toMatch(/Genoa/)
      expect(await find(owner, 'moved Turin Genoa')).not.toMatch(/Turin/)
      bodyOf(await owner.delete(`${path}/${forAll.id}`))
      expect(await find(owner, 'moved Genoa')).not.toMatch(/Genoa/)
      expect((await owner.delete(`${path}/${forAll.id}`)).status).toBe(404)
    })
  })
}
