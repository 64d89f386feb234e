import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Avee } from '../../contract/avees.ts'
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
import { ANY_DATABASE, ONE_DATABASE } from '../databases.ts'
import { startMemoryApp, startTestConversation } from '../memory/app.ts'
import { defaultModels, type ScriptedOllama, startOllama } from '../model-servers.ts'

const heading = 'A summary of the earlier conversation.'

for (const kind of ONE_DATABASE) {
  describe(`a long conversation on ${kind}`, () => {
    let ollama: ScriptedOllama
    let app: TestApp
    let owner: TestClient
    let avee: Avee
    beforeAll(async () => {
      ollama = await startOllama()
      app = await startApp({ OLLAMA_BASE_URL: ollama.url }, kind)
      owner = (await registerUser(app)).client
      avee = await createAvee(owner)
    })
    afterAll(async () => {
      await app[Symbol.asyncDispose]()
      await ollama[Symbol.asyncDispose]()
    })
    type Prompt = { role: string; content: string }[]
    const prompt = () => ollama.requestsTo('/api/chat').at(-1)?.body['messages'] as Prompt
    const answerWith = (...tokens: string[]) => ollama.script('/api/chat', { tokens })

    async function askTurns(client: TestClient, id: string, turns: number, from = 0): Promise<void> {
      for (let i = from; i < from + turns; i++) {
        answerWith(`Lighthouse ${i} has a lamp with number ${i}.`)
        await ask(client, id, `I painted lighthouse ${i} in colour number ${i}.`)
        await app.app.jobs.idle()
      }
    }

    test('replaces its oldest turns by a summary, so that the prompt stops growing', async () => {
      const { id } = await createConversation(owner, avee.handle)
      answerWith('The saffron boat of Genoa it is, then.')
      await ask(owner, id, 'I sail the saffron boat of Genoa, and lighthouse painting is my trade.')
      await askTurns(owner, id, 24)
      expect(prompt()[0]?.content).not.toContain(heading)
      expect(prompt()).toHaveLength(50)
      await askTurns(owner, id, 14, 24)
      await ask(owner, id, 'Go on.')
      const [system, ...turns] = prompt()
      expect(system?.content).toContain(heading)
      const summary = system?.content.split(heading)[1] ?? ''
      expect(summary).toMatch(/They said: I painted lighthouse \d/)
      expect(turns.length).toBeLessThan(60)
      // Turns in the summary are not repeated in the history.
      const [first] = turns
      const covered = /lighthouse (\d+)/.exec(first?.content ?? '')?.[1]
      expect(summary).not.toContain(`lighthouse ${covered} `)
    })

    test('has a summary of the selected branch only', async () => {
      const { id } = await createConversation(owner, avee.handle)
      await askTurns(owner, id, 26)
      await ask(owner, id, 'Go on.')
      expect(prompt()[0]?.content).toContain(heading)
      const messages = await listMessages(owner, id)
      const third = messages[4]
      answerWith('Well.')
      const edited = await owner.post(`/conversations/${id}/messages/${third?.id}/edit`, {
        content: 'I paint no more.',
      })
      expect(edited.status).toBeLessThan(300)
      await ask(owner, id, 'Go on here.')
      expect(prompt()[0]?.content).not.toContain(heading)
    })

    test.each([
      ['above the user’s current layer', 'revoke'],
      ['from a document that was deleted', 'delete'],
    ])('omits a summary of answers %s', async (_, change) => {
      const { client: friend, session } = await registerUser(app)
      const { id: lamps } = await createAvee(owner)
      const permission = `/avees/${lamps}/permissions/${session.user.id}`
      bodyOf(await owner.put(permission, { max_layer: 'friends' }))
      const file = { name: 'lamps.txt', content: 'Every lighthouse that I painted has a colour and a lamp.' }
      const [document] = await uploadFiles(owner, [file], { avee: lamps, layer: 'friends' })
      const { id } = await createConversation(friend, lamps)
      await askTurns(friend, id, 28)
      await ask(friend, id, 'Go on.')
      expect(prompt()[0]?.content.split(heading)[1]).toContain('has a lamp')
      bodyOf(await owner.delete(change === 'revoke' ? permission : `/documents/${document?.doc_id}`))
      await ask(friend, id, 'Go on.')
      expect(JSON.stringify(prompt())).not.toContain('has a lamp')
    })
  })
}

describe('the summary of a background model', () => {
  test('replaces the built-in summary in the prompt', async () => {
    await using ollama = await startOllama()
    await using app = await startApp({ OLLAMA_BASE_URL: ollama.url, BACKGROUND_MODEL_CALLS: 'on' })
    const { client } = await registerUser(app)
    const avee = await createAvee(client)
    const { id } = await createConversation(client, avee.handle)
    const isSummary = (body: Record<string, unknown>) =>
      JSON.stringify(body['messages']).includes('You keep the summary')
    for (let i = 0; i < 26; i++) await ask(client, id, `I painted lighthouse ${i} in colour number ${i}.`)
    await app.app.jobs.idle()
    const asked = ollama.requestsTo('/api/chat').filter(({ body }) => isSummary(body))
    expect(asked.length).toBeGreaterThan(0)
    expect(JSON.stringify(asked[0]?.body)).toContain('lighthouse 3 ')
    await ask(client, id, 'Go on.')
    // Later requests with this question are those of background work.
    const request = ollama.requestsTo('/api/chat').find(({ body }) => JSON.stringify(body).includes('Go on.'))
    const [system] = (request?.body['messages'] ?? []) as { content: string }[]
    expect(system?.content).toContain(heading)
    // The model repeats what it is sent, which may be a built-in summary.
    const [, summary] = system?.content.split(heading) ?? []
    expect(summary).toMatch(/^[^\n]*\nYou said: /)
  })
})

describe('retrieved turns', () => {
  test('are the best 100 that the history lacks, the oldest first, and fewer in a small window', async () => {
    const small = { name: 'small:1b', capabilities: ['completion'], contextLength: 4_096 }
    await using ollama = await startOllama({ models: [...defaultModels(), small] })
    await using app = await startMemoryApp(ANY_DATABASE, { OLLAMA_BASE_URL: ollama.url })
    const { client, conversationId, store } = await startTestConversation(app)
    const start = Date.parse('2026-01-01T12:00:00Z')
    const at = (day: number) => new Date(start + day * 24 * 60 * 60 * 1_000).toISOString()
    const lamps = 70
    const smallTalk = 40
    for (let i = 0; i < lamps; i++)
      await store(`Lighthouse ${i} is painted in colour ${i + 500}.`, {
        at: at(i),
        answer: `The lighthouse with number ${i} is on my list.`,
      })
    let leaf = ''
    for (let i = 0; i < smallTalk; i++)
      leaf = (
        await store(`Tell me of tide ${i}.`, { at: at(lamps + i), answer: 'It comes and goes. '.repeat(10) })
      ).answerId
    const { db } = app.app.database
    await db.updateTable('conversations').set({ leaf_id: leaf }).where('id', '=', conversationId).execute()

    /** Asks a model, and returns the retrieved turns and the history of its prompt. */
    const promptOf = async (model: string) => {
      const question = 'Which colour has the lighthouse with number 7?'
      bodyOf(await client.post('/chat/ask', { conversation_id: conversationId, question, model }))
      const body = ollama.requestsTo('/api/chat').at(-1)?.body
      const messages = (body?.['messages'] ?? []) as { content: string }[]
      const lines = (messages.at(-1)?.content ?? '').split('\n').filter((line) => / said: /.test(line))
      return { lines, history: messages.slice(1, -1).map(({ content }) => content) }
    }
    const days = (lines: string[]) => lines.map((line) => /\d{4}-\d\d-\d\d/.exec(line)?.[0] ?? '')
    const best = [
      expect.stringContaining('they said: Lighthouse 7 is painted in colour 507.'),
      expect.stringContaining('you said: The lighthouse with number 7 is on my list.'),
    ]
    const large = await promptOf('llama3.2:1b')
    expect(large.lines).toHaveLength(100)
    expect(large.history.join()).not.toContain('ighthouse')
    const narrow = await promptOf('small:1b')
    expect(narrow.lines.length).toBeLessThan(100)
    expect(narrow.history.length).toBeLessThan(large.history.length)
    for (const { lines } of [large, narrow]) {
      expect(lines).toEqual(expect.arrayContaining(best))
      expect(days(lines)).toEqual(days(lines).toSorted())
    }
  })
})
