import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Citation, Message } from '../../contract/messages.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  ask,
  askStream,
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
import { readEvents } from '../events.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'

/** Unique words of the cited document, its title and its heading. */
const canaries = /frangipane|quillwork|marzipanner/i
const document = {
  name: 'quillwork.md',
  content:
    '# The Marzipanner Method\n\nThe baker of the harbour fills every tart with frangipane before dawn.',
}
const question = 'What does the baker of the harbour fill every tart with?'
/** The paraphrase of a language model. */
const paraphrase = ['The', ' baker', ' uses', ' an', ' almond', ' cream', ' [1].']

const formats = ['gabee', 'localchat', 'openai', 'ollama']

type Situation = {
  owner: TestUser
  visitor: TestUser
  avee: string
  documentId: string
  conversation: string
  answer: Message
}
type Change = {
  name: string
  apply: (given: Situation) => Promise<unknown>
  /** The status of citations afterwards; null when the conversation is hidden. */
  status: 'deleted' | 'no_access' | null
}

const changes: Change[] = [
  {
    name: 'the document is deleted',
    apply: async ({ owner, documentId }) => bodyOf(await owner.client.delete(`/documents/${documentId}`)),
    status: 'deleted',
  },
  {
    name: 'the document moves to another layer',
    apply: async ({ owner, documentId }) =>
      bodyOf(await owner.client.patch(`/documents/${documentId}`, { layer: 'intimate' })),
    status: 'no_access',
  },
  {
    name: 'the permission is lowered',
    apply: async ({ owner, visitor, avee }) =>
      bodyOf(
        await owner.client.put(`/avees/${avee}/permissions/${visitor.session.user.id}`, {
          max_layer: 'public',
        }),
      ),
    status: 'no_access',
  },
  {
    name: 'the permission is revoked',
    apply: async ({ owner, visitor, avee }) =>
      bodyOf(await owner.client.delete(`/avees/${avee}/permissions/${visitor.session.user.id}`)),
    status: 'no_access',
  },
  {
    name: 'the avee turns private',
    apply: async ({ owner, visitor, avee }) => {
      bodyOf(await owner.client.delete(`/avees/${avee}/permissions/${visitor.session.user.id}`))
      bodyOf(await owner.client.patch(`/avees/${avee}`, { visibility: 'private' }))
    },
    status: null,
  },
]

for (const kind of ONE_DATABASE) {
  describe(`earlier answers after a change of access, on ${kind}`, () => {
    let ollama: ScriptedOllama
    let app: TestApp

    beforeAll(async () => {
      ollama = await startOllama()
      app = await startApp({ OLLAMA_BASE_URL: ollama.url }, kind)
    })
    afterAll(async () => {
      await app?.[Symbol.asyncDispose]()
      await ollama?.[Symbol.asyncDispose]()
    })

    /** A visitor with access to `friends` gets an answer from a document of that layer. */
    async function prepare(model: 'extractive' | 'llama3.2:1b'): Promise<Situation> {
      const owner = await registerUser(app)
      const visitor = await registerUser(app)
      const { id: avee } = await createAvee(owner.client, { model })
      bodyOf(
        await owner.client.put(`/avees/${avee}/permissions/${visitor.session.user.id}`, {
          max_layer: 'friends',
        }),
      )
      const [uploaded] = await uploadFiles(owner.client, [document], { avee, layer: 'friends' })
      const { id: conversation } = await createConversation(visitor.client, avee)
      if (model !== 'extractive') ollama.script('/api/chat', { tokens: paraphrase })
      await ask(visitor.client, conversation, question)
      const answer = (await listMessages(visitor.client, conversation)).at(-1)
      if (!answer) throw new Error('no answer')
      await app.app.jobs.idle(['insight.analyze-turn', 'insight.refine-turn'])
      return { owner, visitor, avee, documentId: uploaded?.doc_id ?? '', conversation, answer }
    }

    /** The routes that read stored answers. */
    const readingRoutes = ({ conversation, answer, avee }: Situation) => [
      `/conversations/${conversation}`,
      `/conversations/${conversation}/messages`,
      `/conversations/${conversation}/export?format=markdown`,
      `/conversations/${conversation}/export?format=json`,
      `/conversations/${conversation}/feedback`,
      `/messages/${answer.id}`,
      `/messages/${answer.id}/intelligence`,
      `/chat/${conversation}/intelligence`,
      `/chat/${conversation}/memories`,
      `/runs/${answer.run_id}`,
      ...formats.map((format) => `/runs/${answer.run_id}/events?format=${format}`),
      ...formats.map((format) => `/runs/${answer.run_id}/events?format=${format}&after=2`),
      `/avees/${avee}`,
      `/avees/${avee}/documents`,
      `/avees/${avee}/updates`,
    ]
    const listingRoutes = ({ avee }: Situation) => [
      '/conversations',
      '/conversations?query=harbour',
      '/conversations?query=frangipane',
      `/conversations?avee=${avee}`,
      '/runs',
      '/memories',
      '/memories/export',
      '/memories/settings',
    ]
    const read = async (client: TestClient, path: string) => {
      const response = await client.fetch(path)
      return { path, status: response.status, text: await response.text() }
    }
    const citationsIn = async (client: TestClient, { answer }: Situation): Promise<Citation[]> =>
      bodyOf(await client.get<Message>(`/messages/${answer.id}`)).citations

    describe.each(['llama3.2:1b', 'extractive'] as const)('with the model %s', (model) => {
      test('are shown while access lasts', async () => {
        const given = await prepare(model)
        const { client } = given.visitor
        const pages = await Promise.all(
          [...readingRoutes(given), ...listingRoutes(given)].map((path) => read(client, path)),
        )
        const showing = pages.filter(({ text }) => canaries.test(text)).map(({ path }) => path)
        expect(showing).toEqual(
          expect.arrayContaining([
            `/conversations/${given.conversation}/messages`,
            `/runs/${given.answer.run_id}/events?format=gabee`,
            `/runs/${given.answer.run_id}/events?format=localchat`,
            // The topics of a paraphrase contain its own words only.
            ...(model === 'extractive' ? [`/messages/${given.answer.id}/intelligence`] : []),
          ]),
        )
        expect(await citationsIn(client, given)).toMatchObject([
          { n: 1, status: 'available', document_id: given.documentId, layer: 'friends' },
        ])
      })

      test.each(changes)('show nothing of the document after $name', async ({ apply, status }) => {
        const given = await prepare(model)
        const { client } = given.visitor
        await apply(given)

        for (const path of readingRoutes(given)) {
          const page = await read(client, path)
          expect(page.text, path).not.toMatch(canaries)
          if (status === null) expect(page, path).toMatchObject({ status: 404 })
          else expect([200, 404], path).toContain(page.status)
        }
        for (const path of listingRoutes(given)) {
          const page = await read(client, path)
          // The query itself is not echoed.
          expect(page.text, path).not.toMatch(canaries)
          if (status === null) expect(page.text, path).not.toContain(given.avee)
          if (status === null) expect(page.text, path).not.toContain(given.conversation)
        }
        if (status === null) return

        expect(await citationsIn(client, given)).toEqual([{ n: 1, status }])
        const { conversations } = bodyOf(
          await client.get<{ conversations: unknown[] }>('/conversations?query=frangipane'),
        )
        expect(conversations).toEqual([])
        const matches = `/conversations/${given.conversation}/matches?query=frangipane`
        expect((await read(client, matches)).text).toBe('{"matches":[]}')
        const events = (format: string) =>
          read(client, `/runs/${given.answer.run_id}/events?format=${format}`)
        expect((await events('gabee')).text).toContain(`"citations":[{"n":1,"status":"${status}"}]`)
        expect((await events('localchat')).text).toContain(`"sources":[{"n":1,"status":"${status}"}]`)
        const markdown = await read(client, `/conversations/${given.conversation}/export`)
        expect(markdown.text).toContain(
          status === 'deleted' ? '[1] Document deleted' : '[1] You no longer have access',
        )
        // The text of a language model remains, and so does the citation number.
        const [asked, answer] = await listMessages(client, given.conversation)
        expect(asked?.content).toBe(question)
        expect(answer?.content).toContain(model === 'extractive' ? '[1]' : paraphrase.join(''))
        const replayed = [...(await events('gabee')).text.matchAll(/"token":"((?:[^"\\]|\\.)*)"/g)]
        expect(replayed.map(([, token]) => JSON.parse(`"${token}"`) as string).join('')).toBe(answer?.content)

        // Neither the answer nor the document enters the next prompt, and the answer is not continued.
        const messages = app.app.database.db.updateTable('messages')
        await messages.set({ finish_reason: 'length' }).where('id', '=', given.answer.id).execute()
        const regenerate = `/conversations/${given.conversation}/messages/${given.answer.id}/regenerate`
        expect((await client.post(regenerate, { continue: true })).status).toBe(409)
        const before = ollama.requestsTo('/api/chat').length
        await ask(client, given.conversation, 'And what else does the baker do?')
        const prompts = JSON.stringify(ollama.requestsTo('/api/chat').slice(before))
        expect(prompts).not.toMatch(canaries)
        expect(prompts).not.toContain('almond cream')
      })
    })

    test('the uses of a document list the readable conversations of the user, and count those of others', async () => {
      const situation = await prepare('llama3.2:1b')
      const { owner, visitor, avee, documentId, conversation, answer } = situation
      type Uses = {
        conversations: { conversation_id: string; message_id: string; answers: number }[]
        next_cursor: string | null
        conversations_of_others: number | null
        avees: { id: string; document_id: string }[]
      }
      const usesOf = async ({ client }: TestUser, query = '') =>
        bodyOf(await client.get<Uses>(`/documents/${documentId}/uses${query}`))
      const seen = await usesOf(visitor)
      expect(seen).toMatchObject({
        conversations: [{ conversation_id: conversation, message_id: answer.id, answers: 1 }],
        conversations_of_others: null,
        avees: [{ id: avee }],
      })
      expect(seen.avees).toHaveLength(1)

      const asked: string[] = []
      for (const title of ['First', 'Second']) {
        const { id } = await createConversation(owner.client, avee)
        ollama.script('/api/chat', { tokens: title === 'First' ? paraphrase : ['No source.'] })
        await ask(owner.client, id, question)
        asked.push(id)
      }
      const other = await createAvee(owner.client, { visibility: 'private' })
      const [copy] = await uploadFiles(owner.client, [document], { avee: other.id, layer: 'public' })
      const owned = await usesOf(owner)
      expect(owned.conversations).toMatchObject([{ conversation_id: asked[0] }])
      expect(owned.conversations_of_others).toBe(1)
      expect(owned.avees).toMatchObject([{ id: avee }, { id: other.id, document_id: copy?.doc_id }])
      expect(JSON.stringify(owned)).not.toContain(conversation)

      const { id: again } = await createConversation(owner.client, avee)
      ollama.script('/api/chat', { tokens: paraphrase })
      await ask(owner.client, again, question)
      const first = await usesOf(owner, '?limit=1')
      expect(first.conversations).toMatchObject([{ conversation_id: again }])
      const second = await usesOf(owner, `?limit=1&cursor=${first.next_cursor}`)
      expect(second.conversations).toMatchObject([{ conversation_id: asked[0] }])
      expect(second.next_cursor).toBeNull()

      bodyOf(await owner.client.patch(`/documents/${documentId}`, { layer: 'intimate' }))
      expect((await visitor.client.get(`/documents/${documentId}/uses`)).status).toBe(404)
      bodyOf(await owner.client.delete(`/conversations/${again}`))
      expect((await usesOf(owner)).conversations).toHaveLength(1)
    })

    test('a user can delete, but not read, their own data after the avee becomes private', async () => {
      const given = await prepare('llama3.2:1b')
      const { owner, visitor, avee, conversation } = given
      const { client } = visitor
      const { id: other } = await createConversation(client, avee)
      const { id: memory } = bodyOf(
        await client.post<{ id: string }>('/memories', {
          avee,
          type: 'fact',
          content: 'Bakes bread at home.',
        }),
      )
      bodyOf(await client.put(`/avees/${avee}/follow`))
      const bound = bodyOf(
        await client.post<{ key: string }>('/api-keys', {
          name: 'key',
          avee_id: (await createAvee(client)).id,
        }),
      )
      await changes.find(({ status }) => status === null)?.apply(given)

      const own = [`/conversations/${conversation}`, `/conversations/${other}`, `/memories/${memory}`]
      for (const path of own) {
        if (path !== own[2]) expect((await client.get(path)).status, path).toBe(404)
        expect((await client.patch(path, { pinned: true })).status, path).toBe(404)
        for (const stranger of [owner.client, app.as(bound.key)])
          expect((await stranger.delete(path)).status, path).toBe(404)
      }
      expect((await app.as(bound.key).delete(`/avees/${avee}/follow`)).status).toBe(404)
      const paths = [own[0], `${own[1]}?permanent=true`, own[2], `/avees/${avee}/follow`]
      for (const path of paths) expect((await client.delete(`${path}`)).status, path).toBe(200)
      for (const path of paths) expect((await client.delete(`${path}`)).status, path).toBe(404)
      expect((await client.post(`${own[0]}/restore`)).status).toBe(404)

      bodyOf(await owner.client.patch(`/avees/${avee}`, { visibility: 'unlisted' }))
      for (const path of own.slice(0, 2)) expect((await client.get(path)).status, path).toBe(404)
      expect((await client.get<{ total: number }>(`/memories?avee=${avee}`)).body.total).toBe(0)
      expect((await client.get<{ is_following: boolean }>(`/avees/${avee}`)).body.is_following).toBe(false)
    })

    test('show the new layer to those who may see it', async () => {
      const given = await prepare('llama3.2:1b')
      bodyOf(await given.owner.client.patch(`/documents/${given.documentId}`, { layer: 'public' }))
      bodyOf(
        await given.owner.client.delete(`/avees/${given.avee}/permissions/${given.visitor.session.user.id}`),
      )
      expect(await citationsIn(given.visitor.client, given)).toMatchObject([
        { n: 1, status: 'available', layer: 'public' },
      ])
    })

    test('an answer that is streaming ends without the passages of a document that is deleted at the same time', async () => {
      const { owner, visitor, avee, documentId } = await prepare('llama3.2:1b')
      const { id } = await createConversation(visitor.client, avee)
      const deleted = Promise.withResolvers<void>()
      ollama.script('/api/chat', { tokens: paraphrase, lastTokenAfter: deleted.promise })
      let last: Record<string, unknown> | undefined
      for await (const { data } of readEvents(await askStream(visitor.client, id, question))) {
        if (data['token'] !== undefined && last?.['event'] === 'start') {
          bodyOf(await owner.client.delete(`/documents/${documentId}`))
          deleted.resolve()
        }
        last = data
      }
      expect(last).toMatchObject({ event: 'complete', citations: [{ n: 1, status: 'deleted' }] })
    })

    test('an answer that is streaming ends with an error when the avee becomes private', async () => {
      const { owner, visitor, avee } = await prepare('llama3.2:1b')
      const { id } = await createConversation(visitor.client, avee)
      const hidden = Promise.withResolvers<void>()
      ollama.script('/api/chat', { tokens: paraphrase, lastTokenAfter: hidden.promise })
      let last: Record<string, unknown> | undefined
      for await (const { data } of readEvents(await askStream(visitor.client, id, question))) {
        if (data['token'] !== undefined && last?.['event'] === 'start') {
          const permission = `/avees/${avee}/permissions/${visitor.session.user.id}`
          bodyOf(await owner.client.delete(permission))
          bodyOf(await owner.client.patch(`/avees/${avee}`, { visibility: 'private' }))
          hidden.resolve()
        }
        last = data
      }
      expect(last).toMatchObject({ error: { code: 'avee_not_found' } })
    })
  })
}
