import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Conversation } from '../../contract/conversations.ts'
import type { Message } from '../../contract/messages.ts'
import { createApp } from '../../server/app.ts'
import { jsonObjects } from '../../server/chat/imports/json-elements.ts'
import { readConfig } from '../../server/config.ts'
import { createLog } from '../../server/log.ts'
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, createAvee, listMessages, registerUser, type TestUser } from '../builders.ts'
import { createTestClient, type TestClient } from '../client.ts'
import { expectErrorResponse } from '../conformance/contract.ts'
import { createTestDatabase, ONE_DATABASE } from '../databases.ts'
import { collectEvents, readEvents } from '../events.ts'
import { zipOf } from '../files/zip.ts'

const node = (parent: string | null, role: string, text: string, more: object = {}) => ({
  parent,
  children: [],
  message: {
    author: { role },
    create_time: 1_700_000_100.25,
    recipient: 'all',
    content: { content_type: 'text', parts: [text] },
    metadata: role === 'assistant' ? { model_slug: 'gpt-4o' } : {},
    ...more,
  },
})
/** Two answers to one question; the first one is not the selected one. */
const chatgpt = {
  title: 'About tides',
  create_time: 1_700_000_000.5,
  update_time: 1_700_000_900,
  conversation_id: 'c-1',
  is_archived: false,
  current_node: 'a2',
  mapping: {
    root: { parent: null, children: ['sys'], message: null },
    sys: node('root', 'system', '', { metadata: { is_visually_hidden_from_conversation: true } }),
    q: node('sys', 'user', 'Why are there tides?'),
    a1: node('q', 'assistant', 'Because of wind.'),
    tool: node('q', 'assistant', 'search("tides")', { recipient: 'browser' }),
    found: node('tool', 'tool', 'A page about the moon.'),
    a2: node('found', 'assistant', 'Because of the moon.'),
  },
}
const claude = {
  uuid: 'e0a1',
  name: 'Bread',
  created_at: '2024-05-01T10:00:00.000000Z',
  updated_at: '2024-05-01T10:05:00.000000Z',
  account: { uuid: 'x' },
  chat_messages: [
    {
      uuid: 'm1',
      text: 'How long does dough rise?',
      content: [{ type: 'text', text: 'How long does dough rise?' }],
      sender: 'human',
      created_at: '2024-05-01T10:00:00Z',
      attachments: [],
      files: [],
    },
    {
      uuid: 'm2',
      text: 'Two hours.',
      content: [
        { type: 'thinking', thinking: 'Hm.' },
        { type: 'text', text: 'Two hours.' },
      ],
      sender: 'assistant',
      created_at: '2024-05-01T10:00:09Z',
      attachments: [],
      files: [],
    },
  ],
}
const openWebui = {
  id: 'ow-1',
  user_id: 'u',
  title: 'Knots',
  created_at: 1_714_000_000,
  updated_at: 1_714_000_500,
  archived: true,
  pinned: false,
  chat: {
    title: 'Knots',
    models: ['llama3.2:1b'],
    messages: [],
    history: {
      currentId: 'k2',
      messages: {
        k1: {
          id: 'k1',
          parentId: null,
          childrenIds: ['k2', 'k3'],
          role: 'user',
          content: 'Which knot holds?',
          timestamp: 1_714_000_000,
        },
        k3: {
          id: 'k3',
          parentId: 'k1',
          childrenIds: [],
          role: 'assistant',
          content: 'A granny knot.',
          model: 'llama3.2:1b',
          timestamp: 1_714_000_005,
        },
        k2: {
          id: 'k2',
          parentId: 'k1',
          childrenIds: [],
          role: 'assistant',
          content: 'A bowline.',
          model: 'llama3.2:1b',
          timestamp: 1_714_000_009,
        },
      },
    },
  },
}
const librechat = {
  conversationId: 'lc-1',
  endpoint: 'openAI',
  title: 'Stars',
  exportAt: '10:00:00 GMT',
  branches: true,
  recursive: true,
  messages: [
    {
      messageId: 's1',
      parentMessageId: '00000000-0000-0000-0000-000000000000',
      sender: 'User',
      text: 'What is the brightest star?',
      isCreatedByUser: true,
      createdAt: '2024-06-01T20:00:00.000Z',
      children: [
        {
          messageId: 's2',
          parentMessageId: 's1',
          sender: 'GPT',
          text: 'Vega.',
          model: 'gpt-4',
          isCreatedByUser: false,
          createdAt: '2024-06-01T20:00:04.000Z',
          children: [],
        },
        {
          messageId: 's3',
          parentMessageId: 's1',
          sender: 'GPT',
          text: '',
          content: [{ type: 'text', text: { value: 'Sirius.' } }],
          model: 'gpt-4',
          isCreatedByUser: false,
          createdAt: '2024-06-01T20:00:08.000Z',
          children: [],
        },
      ],
    },
  ],
}

const send = (client: TestClient, content: string | Uint8Array, fields: Record<string, string> = {}) => {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  form.append('file', new File([new Uint8Array(Buffer.from(content))], 'export'))
  return client.fetch('/conversations/import', { method: 'POST', body: form })
}
/** Imports a file and returns the last event. */
const importFile = async (
  client: TestClient,
  content: string | Uint8Array,
  fields?: Record<string, string>,
) => (await collectEvents(await send(client, content, fields))).at(-1)?.data

const listConversations = async (client: TestClient, query = '') =>
  bodyOf(await client.get<{ conversations: Conversation[] }>(`/conversations${query}`)).conversations

const branchOf = (messages: Message[]) => messages.map(({ role, content }) => `${role}: ${content}`)

for (const kind of ONE_DATABASE)
  describe(`imports of conversations on ${kind}`, () => {
    let app: TestApp
    let user: TestUser
    beforeAll(async () => {
      app = await startApp({ QUOTA_CONVERSATIONS: '6' }, kind)
      user = await registerUser(app)
    })
    afterAll(async () => {
      await app?.[Symbol.asyncDispose]()
    })

    test.each([
      [
        'ChatGPT',
        JSON.stringify([chatgpt]),
        'About tides',
        ['user: Why are there tides?', 'assistant: Because of the moon.'],
        2,
      ],
      [
        'ChatGPT, as a ZIP archive',
        zipOf({
          'chat.html': '<p>',
          'user.json': '{}',
          'conversations.json': JSON.stringify([{ ...chatgpt, title: 'Zipped', conversation_id: 'c-2' }]),
        }),
        'Zipped',
        ['user: Why are there tides?', 'assistant: Because of the moon.'],
        2,
      ],
      [
        'Claude',
        JSON.stringify([claude], null, 2),
        'Bread',
        ['user: How long does dough rise?', 'assistant: Two hours.'],
        1,
      ],
      [
        'Open WebUI',
        JSON.stringify([openWebui]),
        'Knots',
        ['user: Which knot holds?', 'assistant: A bowline.'],
        2,
      ],
      [
        'LibreChat',
        JSON.stringify(librechat),
        'Stars',
        ['user: What is the brightest star?', 'assistant: Sirius.'],
        2,
      ],
    ])('imports an export of %s with its branches, once', async (_product, file, title, branch, answers) => {
      expect(await importFile(user.client, file)).toEqual({
        done: true,
        imported: 1,
        existing: 0,
        unreadable: 0,
      })
      const all = [
        ...(await listConversations(user.client)),
        ...(await listConversations(user.client, '?archived=true')),
      ]
      const conversation = all.find((each) => each.title === title)
      expect(conversation).toMatchObject({ avee_handle: 'local', archived: title === 'Knots' })
      expect(new Date(conversation?.created_at ?? '').getFullYear()).toBeLessThan(2025)
      const messages = await listMessages(user.client, conversation?.id ?? '')
      expect(branchOf(messages)).toEqual(branch)
      expect(messages.at(-1)?.siblings).toHaveLength(answers)
      expect(await importFile(user.client, file)).toEqual({
        done: true,
        imported: 0,
        existing: 1,
        unreadable: 0,
      })
    })

    test('finds what was imported, and counts the quota', async () => {
      const [tides] = (await listConversations(user.client)).filter(({ title }) => title === 'About tides')
      await app.app.jobs.runNow('memory-extraction', tides?.id)
      const { results } = bodyOf(
        await user.client.post<{ results: { title: string }[] }>('/search', {
          query: 'moon tides',
          scope: 'conversations',
        }),
      )
      expect(results.map(({ title }) => title)).toContain('About tides')
      const more = [1, 2].map((n) => ({ ...claude, uuid: `quota-${n}` }))
      expect(await importFile(user.client, JSON.stringify(more))).toMatchObject({
        error: { code: 'quota_exceeded' },
      })
    })

    if (kind === 'embedded')
      test('refuses files that are not exports, and skips objects that are not conversations', async () => {
        const { client } = await registerUser(app)
        for (const [content, code] of [
          ['no JSON', 'export_damaged'],
          ['{"a":', 'export_damaged'],
          ['[{"a":1}]', 'not_an_export'],
          ['[]', 'not_an_export'],
          [`[${'['.repeat(50_000)}`, 'export_damaged'],
          [zipOf({ 'x.txt': 'x' }), 'not_an_export'],
          [Buffer.from('PK\x03\x04 broken', 'latin1'), 'export_damaged'],
        ] as const)
          await expectErrorResponse(await send(client, content), 422, code)
        const mixed = JSON.stringify([claude, { a: 1 }, { ...claude, uuid: 'empty', chat_messages: [] }])
        expect(await importFile(client, mixed)).toEqual({
          done: true,
          imported: 1,
          existing: 0,
          unreadable: 2,
        })
      })

    test('imports into an avee of the user only', async () => {
      const other = await registerUser(app)
      const avee = await createAvee(other.client, { handle: `mine-${kind}` })
      const event = await importFile(other.client, JSON.stringify([claude]), { avee: avee.handle })
      expect(event).toMatchObject({ imported: 1 })
      expect(await listConversations(other.client)).toMatchObject([{ avee_handle: avee.handle }])
      await expectErrorResponse(await send(user.client, JSON.stringify([claude]), { avee: avee.handle }), 403)
    })
  })

test('an import continues on the next start and imports each conversation once', async () => {
  await using database = await createTestDatabase('embedded')
  const start = async () => {
    const app = await createApp(
      readConfig({
        ...database.settings,
        PORT: '0',
        SHUTDOWN_GRACE_MS: '1',
        OLLAMA_BASE_URL: 'http://127.0.0.1:9',
      }),
      { log: createLog('silent') },
    )
    return { app, client: createTestClient(await app.listen()) }
  }
  const count = 200
  const file = JSON.stringify(Array.from({ length: count }, (_, i) => ({ ...claude, uuid: `many-${i}` })))
  let run: string | null
  {
    const { app, client } = await start()
    const response = await send(client, file)
    run = response.headers.get('x-run-id')
    for await (const { data } of readEvents(response)) if (Number(data['imported']) >= 20) break
    await app[Symbol.asyncDispose]()
  }
  const { app, client } = await start()
  const events = await collectEvents(await client.fetch(`/runs/${run}/events`))
  expect(events.map(({ data }) => data['event'])).toContain('resumed')
  expect(events.at(-1)?.data).toEqual({ done: true, imported: count, existing: 0, unreadable: 0 })
  const stored = app.database.db.selectFrom('conversations').select((eb) => eb.fn.countAll().as('count'))
  expect(Number((await stored.executeTakeFirstOrThrow()).count)).toBe(count)
  await app[Symbol.asyncDispose]()
})

test('objects are found wherever the chunks of a file end', async () => {
  const json = ' [ {"a":"x]}\\"{"}, {"b":[{"c":"é"}]} ] '
  for (const size of [1, 2, 3, 1_000]) {
    const bytes = Buffer.from(json)
    async function* chunks() {
      for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
    }
    const found: unknown[] = []
    for await (const object of jsonObjects(chunks())) found.push(object)
    expect(found).toEqual(JSON.parse(json))
  }
})
