import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConversationAnalysis } from '../../contract/insight.ts'
import type { Message } from '../../contract/messages.ts'
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
import { collectEvents } from '../events.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'

type AskV2 = {
  answer: string
  quality_scores: {
    relevance_score: number
    engagement_score: number
    factual_grounding: number
    issues: string[]
  }
  topics: string[]
  follow_up_suggestions: string[]
  memories_extracted: number
  conversation_title: string
}

for (const kind of ONE_DATABASE) {
  describe(`the context of a turn on ${kind}`, () => {
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
    const lastPrompt = () => JSON.stringify(ollama.requestsTo('/api/chat').at(-1)?.body['messages'])

    test('a trial uses the documents of its layer, and stores neither memories nor a conversation', async () => {
      const { client } = await registerUser(app)
      const { client: other } = await registerUser(app)
      const { id, handle } = await createAvee(client, { persona: 'A sailor.' })
      const boat = (place: string) => [{ name: `${place}.md`, content: `The boat lies at the ${place}.` }]
      await uploadFiles(client, boat('quay'), { avee: id, layer: 'public' })
      await uploadFiles(client, boat('mill'), { avee: id, layer: 'friends' })
      await uploadFiles(client, boat('cove'), { avee: id, layer: 'intimate' })
      bodyOf(await client.post('/memories', { avee: id, content: 'The boat of the user is called Tern.' }))
      const trial = (as: TestClient, more: Record<string, unknown>) => {
        const body = JSON.stringify({ question: 'Where does the boat lie?', ...more })
        const headers = { 'content-type': 'application/json' }
        return as.fetch(`/avees/${handle}/trial`, { method: 'POST', headers, body })
      }
      const history = [{ role: 'user', content: 'Ahoy there.' }]
      const events = await collectEvents(
        await trial(client, { layer: 'friends', persona: 'A pirate.', history }),
      )
      expect(events.at(-1)?.data).toMatchObject({ event: 'complete' })
      expect(lastPrompt()).toMatch(/quay/)
      for (const part of ['mill', 'A pirate.', 'Ahoy there.']) expect(lastPrompt()).toContain(part)
      for (const part of ['cove', 'Tern', 'A sailor.', 'created you'])
        expect(lastPrompt()).not.toContain(part)
      await collectEvents(await trial(client, { layer: 'public' }))
      expect(lastPrompt()).not.toMatch(/mill|cove|Tern/)

      const { conversations } = bodyOf(await client.get<{ conversations: unknown[] }>('/conversations'))
      expect(conversations).toEqual([])
      expect((await trial(other, { layer: 'public' })).status).toBe(403)
      bodyOf(await client.patch(`/avees/${id}`, { model: 'extractive' }))
      const quoted = await trial(client, { layer: 'public', question: 'What lies at the quay?' })
      expect(await quoted.text()).toContain('lies at the quay')
      const { documents } = bodyOf(
        await client.get<{ documents: { id: string; layer: string }[] }>(`/avees/${id}/documents`),
      )
      const shown = documents.find(({ layer }) => layer === 'public')
      bodyOf(await client.delete(`/documents/${shown?.id}`))
      const log = await client.fetch(`/runs/${quoted.headers.get('x-run-id')}/events`)
      expect(await log.text()).not.toContain('lies at the quay')
      const document = documents.find(({ layer }) => layer === 'friends')
      bodyOf(await client.delete(`/documents/${document?.id}?permanent=true`))
      const runId = events.find(({ data }) => data['event'] === 'start')?.data['run_id']
      await expect.poll(async () => (await client.get(`/runs/${String(runId)}`)).status).toBe(404)
    })

    test('a small library is part of every prompt, within the layers of the user', async () => {
      const { client: owner } = await registerUser(app)
      const { client } = await registerUser(app)
      const { id, handle } = await createAvee(owner)
      const rules = { name: 'rules.md', content: 'Animals are not admitted to the hut.' }
      await uploadFiles(owner, [rules], { avee: id, layer: 'public' })
      const keys = { name: 'keys.md', content: 'The spare key hangs behind the barrel.' }
      await uploadFiles(owner, [keys], { avee: id, layer: 'friends' })
      const { id: conversation } = await createConversation(client, handle)

      const question = 'May I bring a dog?'
      ollama.script('/api/chat', { tokens: ['No [1].'] })
      const complete = (await ask(client, conversation, question)).at(-1)?.data
      expect(lastPrompt()).toContain('Animals are not admitted')
      expect(lastPrompt()).not.toContain('barrel')
      expect(complete).toMatchObject({ answerable: 'unsure', citations: [{ title: 'rules', cited: true }] })
      const { id: own } = await createConversation(owner, handle)
      const refused = await ask(owner, own, question, { model: 'extractive' })
      expect(refused.at(-1)?.data).toMatchObject({ answerable: 'no', citations: [] })
    })

    test('uses memories of a user in their other conversations, and in those of nobody else', async () => {
      const { client } = await registerUser(app)
      const { client: other } = await registerUser(app)
      const avee = await createAvee(client)
      const first = await createConversation(client, avee.handle)
      // Without a language model explicit requests are remembered at once.
      const response = await client.post<AskV2>('/chat/ask-v2', {
        conversation_id: first.id,
        question: 'Remember that my name is Marta. Remember that I should avoid eating peanuts.',
        model: 'extractive',
      })
      expect(bodyOf(response).memories_extracted).toBeGreaterThan(0)

      const second = await createConversation(client, avee.handle)
      const events = await ask(client, second.id, 'What should I avoid eating?')
      expect(lastPrompt()).toContain('peanuts')
      const used = events.at(-1)?.data['memories'] as { id: string; content: string }[]
      expect(used.map(({ content }) => content).join(' ')).toContain('peanuts')
      const [, answer] = await listMessages(client, second.id)
      const idsOf = (memories: { id: string }[] | undefined) => memories?.map((memory) => memory.id).sort()
      expect(idsOf((answer as Message).memories)).toEqual(idsOf(used))

      const theirs = await createConversation(other, avee.handle)
      await ask(other, theirs.id, 'What should I avoid eating?')
      expect(lastPrompt()).not.toContain('peanuts')
      const { memories } = bodyOf(await other.get<{ memories: unknown[] }>(`/chat/${theirs.id}/memories`))
      expect(memories).toEqual([])
      expect((await other.get(`/chat/${first.id}/memories`)).status).toBe(404)
    })

    test('returns quality, topics, follow-ups and a title from ask-v2; extract_memories=false extracts nothing', async () => {
      const { client } = await registerUser(app)
      const loom =
        'The loom in the north hall weaves blue cloth every day. The south hall stores the finished cloth in cedar boxes.'
      await uploadFiles(client, [{ name: 'looms.txt', content: loom }])
      const { id } = await createConversation(client, 'local')
      ollama.script('/api/chat', { tokens: ['The loom in the north hall ', 'weaves blue cloth [1].'] })
      const answer = bodyOf(
        await client.post<AskV2>('/chat/ask-v2', {
          conversation_id: id,
          question: 'My name is Ada. What does the loom in the north hall weave?',
          extract_memories: false,
        }),
      )
      for (const score of ['relevance_score', 'engagement_score', 'factual_grounding'] as const) {
        expect(answer.quality_scores[score]).toBeGreaterThanOrEqual(0)
        expect(answer.quality_scores[score]).toBeLessThanOrEqual(1)
      }
      expect(answer.quality_scores.factual_grounding).toBeGreaterThan(0.5)
      expect(answer.topics.length).toBeGreaterThan(0)
      expect(answer.conversation_title).not.toBe('')
      expect(answer.memories_extracted).toBe(0)
      expect(bodyOf(await client.get<{ total: number }>(`/chat/${id}/memories`)).total).toBe(0)

      const known = bodyOf(await client.get<ConversationAnalysis>(`/chat/${id}/intelligence`))
      expect(known).toMatchObject({ conversation_id: id, total_messages: 2, metrics: { total_turns: 1 } })
      expect(known.quality_by_turn).toHaveLength(1)
      expect(known.average_quality.factual_grounding).toBeGreaterThan(50)
    })

    test('retrieves an earlier answer that matches the question', async () => {
      const { client } = await registerUser(app)
      const { id } = await createConversation(client, 'local')
      ollama.always('/api/chat', { tokens: ['Noted.'] })
      await ask(client, id, 'The code word for the gate is marmalade.')
      for (let turn = 0; turn < 31; turn++) await ask(client, id, `Tell me something about number ${turn}.`)
      ollama.always('/api/chat', undefined)
      await ask(client, id, 'What was the code word for the gate?')
      expect(lastPrompt()).toContain('marmalade')
    })
  })
}
