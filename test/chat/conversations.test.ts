import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Conversation } from '../../contract/conversations.ts'
import type { Deleted } from '../../contract/deletions.ts'
import type { Message } from '../../contract/messages.ts'
import { shuttingDown } from '../../server/runs/errors.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  ask,
  bodyOf,
  createAvee,
  createConversation,
  listMessages,
  registerUser,
  uploadFiles,
} from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'
import { textOf } from '../events.ts'

/** An upload of one file to a conversation. */
function form(conversation: string, content: string): FormData {
  const body = new FormData()
  body.append('files', new File([content], 'notes.txt'))
  body.append('conversation_id', conversation)
  return body
}

type Page = { conversations: Conversation[]; next_cursor: string | null }

for (const kind of ONE_DATABASE) {
  describe(`conversations on ${kind}`, () => {
    let app: TestApp
    beforeAll(async () => {
      app = await startApp({}, kind)
    })
    afterAll(() => app[Symbol.asyncDispose]())

    test('stores a question and its answer as they were streamed', async () => {
      const { client } = await registerUser(app)
      const avee = await createAvee(client)
      const conversation = await createConversation(client, avee.handle)
      const events = await ask(client, conversation.id, 'What do you know?')
      const messages = await listMessages(client, conversation.id)

      expect(messages.map(({ role, status }) => [role, status])).toEqual([
        ['user', 'complete'],
        ['assistant', 'complete'],
      ])
      expect(messages[1]?.content).toBe(textOf(events))
      expect(messages[1]?.parent_id).toBe(messages[0]?.id)
      expect(messages[1]?.model).toBe('extractive')
      expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
      expect(events.at(-1)?.data).toMatchObject({ event: 'complete', message_id: messages[1]?.id })
    })

    test('places a question below an owner reply that arrives during the request', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      await ask(client, id, 'Where is the lighthouse?')
      const { avees, chat, database } = app.app
      const { viewOfConversation } = avees
      vi.spyOn(avees, 'viewOfConversation').mockImplementationOnce(async (...access) => {
        const viewed = await viewOfConversation(...access)
        await database.transaction((trx) =>
          chat.addOwnerReply(trx, { conversationId: id, text: 'In Vellmar.', layer: 'public' }),
        )
        return viewed
      })
      await ask(client, id, 'Who keeps it?')
      const messages = await listMessages(client, id)
      expect(messages.map(({ role, content }) => role === 'user' || content)).toEqual([
        true,
        expect.any(String),
        'In Vellmar.',
        true,
        expect.any(String),
      ])
    })

    test('creates no conversation for a question that is refused', async () => {
      const { client } = await registerUser(app)
      const form = new FormData()
      form.append('files', new File(['The loom weaves.'], 'loom.txt'))
      const headers = { 'idempotency-key': 'same-key' }
      const upload = await client.fetch('/api/documents/upload', { method: 'POST', body: form, headers })
      await upload.text()
      const refused = await client.post('/api/chat', { message: 'What does it weave?' }, { headers })
      expect(refused.status).toBe(409)
      const starting = vi.spyOn(app.app.runs, 'start').mockRejectedValueOnce(shuttingDown())
      expect((await client.post('/api/chat', { message: 'What does it weave?' })).status).toBe(503)
      starting.mockRestore()
      expect(bodyOf(await client.get<Page>('/conversations')).conversations).toEqual([])
    })

    test('takes the title from the first question until a user sets one', async () => {
      const { client } = await registerUser(app)
      const conversation = await createConversation(client, 'local')
      await ask(client, conversation.id, '  Tell me\nabout   looms ')
      const path = `/conversations/${conversation.id}`
      expect(bodyOf(await client.get<Conversation>(path)).title).toBe('Tell me about looms')
      bodyOf(await client.patch<Conversation>(path, { title: 'Weaving', pinned: true }))
      await ask(client, conversation.id, 'And engines?')
      expect(bodyOf(await client.get<Conversation>(path))).toMatchObject({ title: 'Weaving', pinned: true })
    })

    test('lists pinned conversations first, in pages, and searches titles and messages in any script', async () => {
      const { client } = await registerUser(app)
      const about = async (question: string) => {
        const conversation = await createConversation(client, 'local')
        await ask(client, conversation.id, question)
        return conversation.id
      }
      const first = await about('Where is the lighthouse?')
      const second = await about('京都の天気は?')
      const third = await about('100% of what?')
      bodyOf(await client.patch(`/conversations/${first}`, { pinned: true }))

      const list = async (query: string) => bodyOf(await client.get<Page>(`/conversations?${query}`))
      const idsOf = ({ conversations }: Page) => conversations.map(({ id }) => id)
      expect(idsOf(await list(''))).toEqual([first, third, second])
      const page = await list('limit=2')
      expect(idsOf(page)).toEqual([first, third])
      expect(idsOf(await list(`limit=2&cursor=${page.next_cursor}`))).toEqual([second])
      expect(idsOf(await list(`query=${encodeURIComponent('天気')}`))).toEqual([second])
      expect(idsOf(await list('query=LIGHT house'))).toEqual([first])
      expect((await list('query=house')).conversations[0]?.preview).toMatch(/house/i)
      expect(idsOf(await list(`query=${encodeURIComponent('0% of')}`))).toEqual([third])
      expect((await client.get('/conversations?cursor=nonsense')).status).toBe(400)

      bodyOf(await client.patch(`/conversations/${third}`, { archived: true }))
      expect(idsOf(await list(''))).toEqual([first, second])
      expect(idsOf(await list('archived=true'))).toEqual([third])
    })

    test('shares a snapshot with only the citations that are public now', async () => {
      const { client: owner } = await registerUser(app)
      const { client } = await registerUser(app)
      const image = `data:image/png;base64,${Buffer.from('x').toString('base64')}`
      const avee = await createAvee(owner, { avatar: image, visibility: 'public' })
      const add = async (layer: string) =>
        bodyOf(
          await owner.post<{ id: string }>(`/avees/${avee.id}/documents`, {
            title: `The ${layer} mill`,
            text: `The mill grinds ${layer} rye.`,
            layer,
          }),
        ).id
      const document = await add('public')
      await add('intimate')
      const { id } = await createConversation(owner, avee.handle)
      const path = `/conversations/${id}/shares`
      expect((await owner.post(path)).status).toBe(400)
      await ask(owner, id, 'What does the mill grind?')
      const created = bodyOf(
        await owner.post<{ id: string; token: string; url: string }>(path, { expires_in: 3600 }),
      )
      expect(created.url).toBe(`${app.url}/s/${created.token}`)
      await ask(owner, id, 'A later question?')
      const { conversations } = bodyOf(
        await owner.get<{ conversations: { avee_avatar: string }[] }>('/conversations'),
      )
      expect(conversations[0]?.avee_avatar).toBe(avee.avatar)
      type Shared = { avee_display_name: string | null; avee_avatar: string | null; messages: Message[] }
      const read = (token = created.token) => app.get<Shared>(`/shares/${token}`)
      const statuses = async () => {
        const { messages } = bodyOf(await read())
        expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
        expect(JSON.stringify(messages)).not.toContain('intimate rye')
        return messages[1]?.citations.map((citation) => citation.status).toSorted()
      }
      expect(await statuses()).toEqual(['available', 'no_access'])
      expect((await app.fetch(bodyOf(await read()).avee_avatar ?? '')).status).toBe(200)
      expect(JSON.stringify(bodyOf(await read()))).toContain('grinds public rye')
      bodyOf(await owner.patch(`/documents/${document}`, { layer: 'friends' }))
      expect(await statuses()).toEqual(['no_access', 'no_access'])
      bodyOf(await owner.patch(`/documents/${document}`, { layer: 'public' }))
      bodyOf(await owner.patch(`/avees/${avee.id}`, { visibility: 'private' }))
      expect(await statuses()).toEqual(['no_access', 'no_access'])
      expect(bodyOf(await read())).toMatchObject({ avee_display_name: null, avee_avatar: null })

      const { shares } = bodyOf(await owner.get<{ shares: object[] }>(path))
      expect(shares).toEqual([expect.not.objectContaining({ token: created.token })])
      expect((await client.get(path)).status).toBe(404)
      expect((await client.delete(`/shares/${created.id}`)).status).toBe(404)
      bodyOf(await owner.delete(`/shares/${created.id}`))
      expect((await read()).status).toBe(404)
      const { token, id: second } = bodyOf(await owner.post<{ id: string; token: string }>(path))
      expect((await read(token)).status).toBe(200)
      const { db } = app.app.database
      await db
        .updateTable('shares')
        .set({ expires_at: new Date(0) })
        .where('id', '=', second)
        .execute()
      expect((await read(token)).status).toBe(404)
      const last = bodyOf(await owner.post<{ token: string }>(path)).token
      bodyOf(await owner.delete(`/conversations/${id}`))
      expect((await read(last)).status).toBe(404)
    })

    test('searches attachments in their conversation only, for its user only', async () => {
      const { client: owner } = await registerUser(app)
      const { client } = await registerUser(app)
      const avee = await createAvee(owner)
      const add = (content: string) =>
        owner.post(`/avees/${avee.id}/documents`, { title: 'The mill', text: content, layer: 'public' })
      bodyOf(await add('The mill grinds rye.'))
      const { id } = await createConversation(client, avee.handle)
      const { id: otherId } = await createConversation(client, avee.handle)
      const [rye, plan] = await uploadFiles(
        client,
        [
          { name: 'barley.md', content: '# Notes\n\nThe windmill of Zorvald grinds barley.' },
          { name: 'plan.txt', content: 'Next year the wheel turns backwards.' },
        ],
        { conversation: id },
      )
      const attachments = [plan?.doc_id]
      const asked = bodyOf(
        await client.post<{ citations: { title?: string }[]; message_id: string }>('/chat/ask', {
          conversation_id: id,
          question: 'What is this about?',
          attachments,
        }),
      )
      expect(asked.citations.map(({ title }) => title)).toContain('plan')
      const [question] = await listMessages(client, id)
      const shown = { id: plan?.doc_id, name: 'plan.txt', type: 'txt', bytes: 36 }
      expect(question?.attachments).toEqual([shown])

      const citedIn = async (conversation: string, reader = client) => {
        const body = { conversation_id: conversation, question: 'What does the windmill of Zorvald grind?' }
        const answer = bodyOf(await reader.post<{ citations: { document_id?: string }[] }>('/chat/ask', body))
        return answer.citations.map(({ document_id }) => document_id)
      }
      expect(await citedIn(id)).toContain(rye?.doc_id)
      expect(await citedIn(otherId)).not.toContain(rye?.doc_id)
      const found = async (reader: TestClient) => [
        (await reader.post<{ results: unknown[] }>('/search', { query: 'Zorvald barley' })).body.results
          .map((result) => JSON.stringify(result))
          .filter((text) => text.includes('barley.md')),
        (await reader.get<{ documents: { id: string }[] }>(`/avees/${avee.id}/documents`)).body.documents
          .length,
      ]
      expect(await found(client)).toEqual([[], 1])
      expect(await found(owner)).toEqual([[], 1])
      expect((await client.get(`/avees/${id}`)).status).toBe(404)
      expect((await client.post('/conversations', { avee: id })).status).toBe(404)

      const path = `/documents/${rye?.doc_id}`
      expect((await owner.get(path)).status).toBe(404)
      expect((await owner.get(`/conversations/${id}/attachments`)).status).toBe(404)
      const listed = async (query: string) =>
        bodyOf(
          await client.get<{ attachments: { id: string }[] }>(`/conversations/${id}/attachments${query}`),
        ).attachments.map((file) => file.id)
      expect(await listed('')).toEqual([plan?.doc_id, rye?.doc_id])
      expect(await listed('?unsent=true')).toEqual([rye?.doc_id])
      bodyOf(await client.patch(path, { title: 'Grain' }))
      expect((await client.patch(path, { layer: 'intimate' })).status).toBe(422)
      expect(await (await client.fetch(`${path}/file`)).text()).toContain('grinds barley')
      const { token } = bodyOf(await client.post<{ token: string }>(`/conversations/${id}/shares`))
      const { messages } = bodyOf(await app.get<{ messages: Message[] }>(`/shares/${token}`))
      const shared = messages.flatMap(({ citations }) => citations)
      const hidden = shared.filter(({ status }) => status !== 'available')
      expect(new Set(hidden.map(({ status }) => status))).toEqual(new Set(['no_access']))
      const visible = shared.flatMap((citation) => (citation.status === 'available' ? [citation.title] : []))
      expect(new Set(visible)).toEqual(new Set(['The mill']))
      expect(JSON.stringify(messages)).not.toMatch(/barley|backwards/)

      const wrong = { conversation_id: otherId, question: 'And?', attachments }
      expect((await client.post('/chat/ask', wrong)).status).toBe(400)
      const elsewhere = client.fetch('/attachments', { method: 'POST', body: form(otherId, 'x'.repeat(10)) })
      expect((await elsewhere).status).toBe(200)
      expect((await owner.fetch('/attachments', { method: 'POST', body: form(id, 'x') })).status).toBe(404)
    })

    test('deletes and restores attachments with their conversation', async () => {
      const { client, session } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      const [first, second] = await uploadFiles(
        client,
        [
          { name: 'barley.md', content: 'The windmill grinds barley.' },
          { name: 'oats.md', content: 'The watermill grinds oats.' },
        ],
        { conversation: id },
      )
      const names = async (trash = false) =>
        bodyOf(
          await client.get<{ attachments: { filename: string }[] }>(
            `/conversations/${id}/attachments${trash ? '?trash=true' : ''}`,
          ),
        ).attachments.map(({ filename }) => filename)
      bodyOf(await client.delete(`/documents/${first?.doc_id}`))
      expect(await names()).toEqual(['oats.md'])
      expect(await names(true)).toEqual(['barley.md'])
      bodyOf(await client.post(`/documents/${first?.doc_id}/restore`))
      const used = () => app.app.knowledge.attachments.ofUser(session.user.id)
      expect((await used()).get(id)).toHaveLength(2)

      const path = `/conversations/${id}`
      const { receipt } = bodyOf(await client.delete<Deleted>(path))
      expect(receipt).toMatchObject({ conversations: 1, documents: 2, passages: 2 })
      expect((await client.get(`/documents/${second?.doc_id}`)).status).toBe(404)
      expect((await client.get(`/documents/${second?.doc_id}/file`)).status).toBe(404)
      expect(await used()).toEqual(new Map())
      bodyOf(await client.post(`${path}/restore`))
      expect(await names()).toEqual(['oats.md', 'barley.md'])

      expect(bodyOf(await client.delete<Deleted>(`${path}?permanent=true`)).receipt).toMatchObject({
        conversations: 1,
        documents: 2,
      })
      const { db } = app.app.database
      const remaining = async (table: 'all_documents' | 'passages' | 'passage_terms') =>
        await db.selectFrom(table).selectAll().where('avee_id', '=', id).execute()
      for (const table of ['all_documents', 'passages', 'passage_terms'] as const)
        expect(await remaining(table)).toEqual([])
      expect(await db.selectFrom('all_avees').selectAll().where('id', '=', id).execute()).toEqual([])
      const runs = bodyOf(await client.get<{ runs: { kind: string }[] }>('/runs')).runs
      expect(runs.filter(({ kind }) => kind === 'ingest')).toEqual([])
    })

    test('returns 404 to other users who read, change, ask in or delete a conversation', async () => {
      const { client: one } = await registerUser(app)
      const { client: other } = await registerUser(app)
      const { id } = await createConversation(one, 'local')
      await ask(one, id, 'A secret?')
      const [question] = await listMessages(one, id)
      const path = `/conversations/${id}`
      const answers = await Promise.all([
        other.get(path),
        other.get(`${path}/messages`),
        other.get(`${path}/export`),
        other.patch(path, { title: 'mine' }),
        other.delete(path),
        other.put(`${path}/leaf`, { message_id: question?.id }),
        other.get(`/messages/${question?.id}`),
        other.post('/chat/ask', { conversation_id: id, question: 'Hello?' }),
        other.post(`${path}/messages/${question?.id}/edit`, { content: 'Hello?' }),
      ])
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404))
      expect(bodyOf(await other.get<Page>('/conversations')).conversations).toEqual([])
    })

    test('keeps every message in branches when questions are edited and answers regenerated', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      await ask(client, id, 'First?')
      await ask(client, id, 'Second?')
      const [first, , second] = await listMessages(client, id)
      const path = `/conversations/${id}`

      const edited = await client.post(`${path}/messages/${first?.id}/edit`, {
        content: 'First, in other words?',
      })
      expect(edited.status).toBe(200)
      const branch = await listMessages(client, id)
      expect(branch.map(({ content }) => content)[0]).toBe('First, in other words?')
      expect(branch).toHaveLength(2)
      expect(branch[0]?.siblings).toEqual([first?.id, branch[0]?.id])

      bodyOf(await client.put(`${path}/leaf`, { message_id: first?.id }))
      const back = await listMessages(client, id)
      expect(back.map(({ content }) => content)[2]).toBe('Second?')

      const again = await client.post(`${path}/messages/${back[3]?.id}/regenerate`)
      expect(again.status).toBe(200)
      const regenerated = await listMessages(client, id)
      expect(regenerated[2]?.id).toBe(second?.id)
      expect(regenerated[3]?.siblings).toHaveLength(2)
      expect(regenerated[3]?.id).not.toBe(back[3]?.id)

      expect((await client.post(`${path}/messages/${first?.id}/regenerate`)).status).toBe(400)
      expect((await client.post(`${path}/messages/${back[3]?.id}/edit`, { content: 'x' })).status).toBe(400)
    })

    test('pages messages from the end', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      for (const question of ['one?', 'two?', 'three?']) await ask(client, id, question)
      const page = async (query: string) =>
        bodyOf(
          await client.get<{ messages: Message[]; has_more: boolean; offset: number; total: number }>(
            `/conversations/${id}/messages?${query}`,
          ),
        )
      const last = await page('limit=4')
      expect(last).toMatchObject({ has_more: true, offset: 2, total: 6 })
      expect(last.messages[0]?.content).toBe('two?')
      const before = await page(`limit=4&before=${last.messages[0]?.id}`)
      expect(before.has_more).toBe(false)
      expect(before.messages.map(({ content }) => content)[0]).toBe('one?')
      const middle = await page('limit=2&offset=1')
      expect(middle).toMatchObject({ has_more: true, offset: 1, total: 6 })
      expect(middle.messages[1]?.content).toBe('two?')
    })

    test('finds messages of the active branch by their text or id, for their owner only', async () => {
      const { client } = await registerUser(app)
      const { client: other } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      for (const question of ['Where is 100% wool?', 'And linen?']) await ask(client, id, question)
      const [, , second] = await listMessages(client, id)
      const find = async (by: string, as = client) =>
        await as.get<{ matches: { message_id: string; position: number }[] }>(
          `/conversations/${id}/matches?${by}`,
        )
      expect(bodyOf(await find('query=100%25%20WOOL')).matches.map(({ position }) => position)).toContain(0)
      expect(bodyOf(await find('query=1%25w')).matches).toEqual([])
      const found = [{ message_id: second?.id, position: 2 }]
      expect(bodyOf(await find(`message_id=${second?.id}`)).matches).toEqual(found)
      await client.post(`/conversations/${id}/messages/${second?.id}/edit`, { content: 'And silk?' })
      expect(bodyOf(await find(`message_id=${second?.id}`)).matches).toEqual([])
      expect((await find('query=wool', other)).status).toBe(404)
    })

    test('exports every message with its sources', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      await ask(client, id, 'What now?')
      const markdown = await client.get<string>(`/conversations/${id}/export?format=markdown`)
      const [, answer] = await listMessages(client, id)
      expect(markdown.headers.get('content-type')).toContain('text/markdown')
      expect(markdown.body).toContain('What now?')
      expect(markdown.body).toContain(answer?.content)
      const json = bodyOf(
        await client.get<{ messages: Message[] }>(`/conversations/${id}/export?format=json`),
      )
      expect(json.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
    })

    test('returns a specific error for each invalid question', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      const code = async (body: object) => {
        const answer = await client.post<{ error: { code: string } }>('/chat/stream', body)
        return [answer.status, answer.body.error.code]
      }
      expect(await code({ conversation_id: id, question: '  ' })).toEqual([400, 'empty_question'])
      expect(await code({ conversation_id: id })).toEqual([400, 'empty_question'])
      expect(await code({ conversation_id: id, question: 'x'.repeat(32_001) })).toEqual([
        400,
        'question_too_long',
      ])
      expect(await code({ conversation_id: 'x', question: 'Hm?' })).toEqual([400, 'invalid_conversation_id'])
      expect(await code({ question: 'Hm?' })).toEqual([400, 'invalid_conversation_id'])
      expect(await code({ conversation_id: crypto.randomUUID(), question: 'Hm?' })).toEqual([
        404,
        'conversation_not_found',
      ])
      expect(await listMessages(client, id)).toEqual([])
    })
  })
}
