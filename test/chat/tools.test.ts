import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message } from '../../contract/messages.ts'
import { ask, bodyOf, createConversation, listMessages, registerUser, uploadFiles } from '../builders.ts'
import { collectEvents, textOf } from '../events.ts'
import { type Script } from '../model-servers.ts'
import {
  type Call,
  calling,
  callsOf,
  memoriesOf,
  prompt,
  remember,
  resultsIn,
  resultsOf,
  start,
  startToolApp,
  statesOf,
  type ToolApp,
} from './tool-calls.ts'

describe('tools', () => {
  let servers: ToolApp
  let app: ToolApp['app']
  let admin: ToolApp['admin']
  let ollama: ToolApp['ollama']
  let openai: ToolApp['openai']
  beforeAll(async () => {
    servers = await startToolApp()
    ;({ app, admin, ollama, openai } = servers)
  })
  afterAll(() => servers[Symbol.asyncDispose]())

  const whales = '# Whales\n\nThe blue whale sleeps for ninety minutes.'
  const clocks = '# Clocks\n\nThe tower clock of Elmhurst strikes thirteen at noon.'
  test('search again, and cite what they find until access is withdrawn', async () => {
    const { owner, avee } = await start(app, ['search_documents', 'read_page'], [whales])
    const friend = await registerUser(app)
    const grant = `/avees/${avee.id}/permissions/${friend.session.user.id}`
    bodyOf(await owner.client.put(grant, { max_layer: 'friends' }))
    const { id } = await createConversation(friend.client, avee.id)
    const uploaded = Promise.withResolvers<void>()
    const asked = ollama.requestsTo('/api/chat').length + 1
    ollama.script(
      '/api/chat',
      {
        tokens: ['Let me look.'],
        lastTokenAfter: uploaded.promise,
        toolCalls: [{ name: 'search_documents', arguments: { query: 'tower clock of Elmhurst' } }],
      },
      calling({ name: 'read_page', arguments: { passage: 1 } }),
      { tokens: ['It strikes ', 'thirteen [2].'] },
    )
    const asking = ask(friend.client, id, 'How long does the blue whale sleep?')
    await ollama.waitForRequest('/api/chat', asked)
    // The search before the answer has not found this passage.
    const file = { name: 'clocks.md', content: clocks }
    await uploadFiles(owner.client, [file], { avee: avee.id, layer: 'friends' })
    uploaded.resolve()
    const events = await asking
    expect(textOf(events)).toBe('Let me look.\n\nIt strikes thirteen [2].')
    expect(resultsOf(events)).toEqual([expect.stringMatching(/^\d passages? found\.$/), 'Text read.'])
    expect(callsOf(events)[1]?.result?.citations).toContain(2)
    const [found, page] = resultsIn(ollama)
    expect(found).toMatch(/<passage-\w+ n="2"[^>]*>\n[^<]*strikes thirteen/)
    // The model already has the whole page.
    expect(page).toMatch(/Passages: \[1\]$/)
    expect(
      prompt(ollama)
        .messages.map(({ role }) => role)
        .slice(-5),
    ).toEqual(['user', 'assistant', 'tool', 'assistant', 'tool'])
    const shown = async () => (await listMessages(friend.client, id)).at(-1) as Message
    expect((await shown()).citations).toMatchObject([{ n: 2, status: 'available', cited: true }])
    expect((await shown()).content).toBe(textOf(events))

    bodyOf(await owner.client.put(grant, { max_layer: 'public' }))
    const log = await collectEvents(await friend.client.fetch(`/runs/${(await shown()).run_id}/events`))
    expect((await shown()).citations).toEqual([{ n: 2, status: 'no_access' }])
    expect(log.at(-1)?.data['citations']).toEqual([{ n: 2, status: 'no_access' }])
    expect(JSON.stringify([await shown(), log.filter(({ data }) => !data['token'])])).not.toMatch(
      /noon|Clocks/,
    )
  })

  test('find nothing above the layer of the person', async () => {
    const { avee } = await start(app, ['search_documents', 'read_page'], [clocks])
    const { client } = await registerUser(app)
    const { id } = await createConversation(client, avee.id)
    ollama.script(
      '/api/chat',
      calling(
        { name: 'search_documents', arguments: { query: 'tower clock' } },
        { name: 'read_page', arguments: { passage: 1 } },
      ),
      { tokens: ['I do not know.'] },
    )
    expect(resultsOf(await ask(client, id, 'And the tower clock?'))).toEqual([
      'No passages found.',
      'There is no passage 1. Use the number of a passage that you were given.',
    ])
  })

  test('give the model results as data, and the errors of its calls', async () => {
    const { client, avee, id } = await start(app, [
      'calculate',
      'current_time',
      'recall',
      'search_web',
      'fetch_page',
    ])
    bodyOf(await client.post('/memories', { avee: avee.id, content: 'The user keeps newts.' }))
    ollama.script(
      '/api/chat',
      calling(
        { name: 'calculate', arguments: { expression: '12 * 12' } },
        { name: 'current_time', arguments: { time_zone: 'Asia/Tokyo' } },
        { name: 'recall', arguments: { query: 'newts' } },
        { name: 'search_web', arguments: { query: 'newts' } },
        { name: 'calculate', arguments: { expression: 'process.exit()' } },
        { name: 'calculate', arguments: {} },
        { name: 'delete_everything', arguments: {} },
      ),
      { tokens: ['Done.'] },
    )
    const events = await ask(client, id, 'Please try everything.')
    expect(resultsOf(events)).toEqual([
      '12 * 12 = 144',
      expect.stringMatching(/^\w+day,? .*\d\d:\d\d \(Asia\/Tokyo\)$/),
      '1 memory found.',
      '1 result found on the web.',
      '"." is not allowed here.',
      expect.stringContaining('The arguments are not valid: expression'),
      'There is no tool "delete_everything".',
    ])
    const results = resultsIn(ollama)
    expect(results[2]).toContain('The user keeps newts.')
    expect(results[3]).toContain('https://example.org/newts')
    // A page cannot end the fence or start a message.
    expect(results[3]).not.toMatch(/<\/result>|<\|im_start\|>/)
    for (const result of results) expect(result).toMatch(/^<result-(\w+)>\n[\s\S]*\n<\/result-\1>$/)
    expect(events.at(-1)?.data['memories']).toMatchObject([{ content: 'The user keeps newts.' }])
    expect(prompt(ollama).tools?.map((tool) => tool.function.name)).toEqual([
      'calculate',
      'current_time',
      'recall',
      'search_web',
      'fetch_page',
    ])
  })

  test('are limited in rounds and calls, and refuse changes where nobody can approve them', async () => {
    const { client, id } = await start(app, ['calculate', 'remember'])
    const one: Call = { name: 'calculate', arguments: { expression: '1' } }
    ollama.script('/api/chat', calling(...Array.from({ length: 12 }, () => one)), { tokens: ['Eight.'] })
    expect(statesOf(await ask(client, id, 'Count!')).filter(([, status]) => status === 'done')).toHaveLength(
      8,
    )
    expect(prompt(ollama).tools).toBeUndefined()

    ollama.script('/api/chat', ...Array.from({ length: 4 }, () => calling(one)), { tokens: ['Four.'] })
    const events = await ask(client, id, 'Again!')
    expect(statesOf(events).filter(([, status]) => status === 'done')).toHaveLength(4)
    expect(textOf(events)).toBe('Four.')

    ollama.script('/api/chat', calling(remember), { tokens: ['No.'] })
    bodyOf(await client.post('/chat/ask', { conversation_id: id, question: 'Remember this!' }))
    expect((await listMessages(client, id)).at(-1)?.tool_calls).toMatchObject([{ status: 'failed' }])
    expect(await memoriesOf(client)).toEqual([])
  })

  test('are not offered by avees without them', async () => {
    const { client, avee, id } = await start(app, [])
    await ask(client, id, 'Hello!')
    expect(prompt(ollama).tools).toBeUndefined()
    expect((await client.patch(`/avees/${avee.id}`, { tools: ['shell'] })).status).toBe(422)
    const { tools } = bodyOf(await client.get<{ tools: { name: string }[] }>('/tools'))
    expect(tools.map(({ name }) => name)).toContain('search_web')
  })

  test('call no external service for an avee or a conversation that is local only', async () => {
    const { client, avee, id } = await start(app, ['calculate', 'fetch_page', 'search_web'])
    const offered = () => prompt(ollama).tools?.map((tool) => tool.function.name)
    ollama.script('/api/chat', calling({ name: 'search_web', arguments: { query: 'newts' } }), {
      tokens: ['No.'],
    })
    bodyOf(await client.patch(`/conversations/${id}`, { local_only: true }))
    const events = await ask(client, id, 'Search!')
    expect(offered()).toEqual(['calculate'])
    expect(resultsOf(events)).toEqual(['There is no tool "search_web".'])
    bodyOf(await client.patch(`/avees/${avee.id}`, { local_only: true }))
    await ask(client, id, 'And now?')
    expect(offered()).toEqual(['calculate'])
  })

  test('call no external service once the avee or the conversation is local only', async () => {
    const { client, avee, id } = await start(app, ['search_web'])
    for (const path of [`/avees/${avee.id}`, `/conversations/${id}`]) {
      const asked = ollama.waitForRequest('/api/chat', ollama.requestsTo('/api/chat').length + 1)
      ollama.script(
        '/api/chat',
        {
          tokens: ['Let me see.'],
          lastTokenAfter: asked.then(() => client.patch(path, { local_only: true })),
          toolCalls: [{ name: 'search_web', arguments: { query: 'newts' } }],
        },
        { tokens: ['Nothing.'] },
      )
      const events = await ask(client, id, 'What do newts eat?')
      expect(resultsOf(events)).toEqual([expect.stringContaining('may leave the private network')])
      bodyOf(await client.patch(path, { local_only: false }))
    }
  })

  test('are chosen by a schema where a model cannot call them', async () => {
    const { client, avee, id } = await start(app, ['calculate'])
    bodyOf(await client.patch(`/avees/${avee.id}`, { model: 'plain:1b' }))
    const choose = (choice: object): Script => ({ tokens: [JSON.stringify(choice)] })
    const asked = ollama.requestsTo('/api/chat').length
    ollama.script(
      '/api/chat',
      choose({ tool: 'calculate', arguments: { expression: '6 * 7' } }),
      choose({ tool: 'answer', arguments: {} }),
      { tokens: ['It is 42.'] },
    )
    const events = await ask(client, id, 'What is six times seven?')
    expect(resultsOf(events)).toEqual(['6 * 7 = 42'])
    expect(textOf(events)).toBe('It is 42.')
    const requests = ollama.requestsTo('/api/chat').slice(asked)
    expect(requests.map(({ body }) => [Boolean(body['format']), body['tools']])).toEqual([
      [true, undefined],
      [true, undefined],
      [false, undefined],
    ])
    expect(prompt(ollama).messages.at(-1)).toMatchObject({
      role: 'user',
      content: expect.stringContaining('6 * 7 = 42'),
    })
  })

  test('are called by models of OpenAI, with the tokens and costs of all rounds summed up', async () => {
    const { owner, client, avee, id } = await start(app, ['calculate'])
    bodyOf(
      await admin.client.post('/providers', {
        kind: 'openai',
        name: 'paid',
        base_url: openai.url,
        api_key: 'secret',
        prices: { 'gpt-4o-mini': { input: 1_000_000, output: 0 } },
      }),
    )
    bodyOf(await client.patch(`/avees/${avee.id}`, { model: 'paid/gpt-4o-mini' }))
    openai.script(
      '/v1/chat/completions',
      calling({ name: 'calculate', arguments: { expression: '2 ^ 10' } }),
      { tokens: ['It ', 'is ', '1024.'] },
    )
    const events = await ask(client, id, 'Two to the tenth?')
    expect(resultsOf(events)).toEqual(['2 ^ 10 = 1024'])
    const [first, second] = openai
      .requestsTo('/v1/chat/completions')
      .slice(-2)
      .map(({ body }) => body as { messages: { role: string; tool_call_id?: string }[] })
    expect(second?.messages.slice(first?.messages.length)).toMatchObject([
      { role: 'assistant', tool_calls: [{ id: 'call00001', type: 'function' }] },
      { role: 'tool', tool_call_id: 'call00001' },
    ])
    const complete = events.at(-1)?.data as { usage: { prompt_tokens: number } }
    const cost = complete.usage.prompt_tokens
    expect(complete).toMatchObject({ provider: 'paid', tool_calls: [{ status: 'done' }], cost })
    expect(bodyOf(await admin.client.get('/admin/usage'))).toMatchObject({
      usage: expect.arrayContaining([
        expect.objectContaining({ user_id: owner.session.user.id, model: 'gpt-4o-mini', cost }),
      ]),
    })
    expect(complete.usage.prompt_tokens).toBeGreaterThan(JSON.stringify(second).length / 5)
    expect(bodyOf(await client.get(`/chat/${id}/intelligence`))).toMatchObject({ cost })
    const { id: free } = await createConversation(client, avee.id)
    expect(bodyOf(await client.get(`/chat/${free}/intelligence`))).not.toHaveProperty('cost')
  })
})
