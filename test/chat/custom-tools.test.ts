import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CustomTool } from '../../contract/tools.ts'
import { ask, bodyOf, createAvee, createConversation, registerUser } from '../builders.ts'
import {
  askAndDecide,
  type Call,
  calling,
  prompt,
  resultsOf,
  start,
  startToolApp,
  statesOf,
  type ToolApp,
} from './tool-calls.ts'
import { echoServer } from './tool-servers.ts'

describe('custom tools', () => {
  let servers: ToolApp
  let app: ToolApp['app']
  let admin: ToolApp['admin']
  let ollama: ToolApp['ollama']
  let shop: ToolApp['shop']
  beforeAll(async () => {
    servers = await startToolApp()
    ;({ app, admin, ollama, shop } = servers)
  })
  afterAll(() => servers[Symbol.asyncDispose]())

  test('of an OpenAPI description read without a question and change something only when allowed', async () => {
    const { client, avee, id } = await start(app, [])
    const path = `/avees/${avee.id}/tools`
    const added = bodyOf(await client.post<CustomTool>(path, shop.tool))
    expect(added).toMatchObject({
      header_names: ['x-key'],
      functions: [
        { name: 'getItem', needs_approval: false },
        { name: 'createOrder', needs_approval: true },
      ],
    })
    expect(JSON.stringify(bodyOf(await client.get(path)))).not.toContain(shop.key)
    const item = (name: string): Call => ({
      name: 'Shop_getItem',
      arguments: {
        name,
        colour: 'dark red',
        'Accept-Language': 'de',
        'X-Key': 'other',
        Authorization: 'other',
      },
    })
    const order: Call = { name: 'Shop_createOrder', arguments: { body: { item: 'chair' } } }
    ollama.script('/api/chat', calling(item('a/b lamp'), item('..'), order), { tokens: ['Ordered.'] })
    const { events } = await askAndDecide(client, id, (run, call) =>
      client.post(`/runs/${run}/tools/${call}`, { approve: true }),
    )
    expect(statesOf(events)).toContainEqual(['call00003', 'needs_approval'])
    expect(resultsOf(events)).toEqual([
      '{"item":"/items/a%2Fb%20lamp?colour=dark+red","in":"de"}',
      expect.stringContaining('name cannot be ".."'),
      '{"ordered":true}',
    ])
    expect(shop.orders).toContain('chair')
    expect(shop.keys).toEqual(new Set([shop.key]))
    expect(prompt(ollama).tools?.[0]?.function.parameters).toMatchObject({
      properties: { name: { type: 'string' }, colour: { enum: ['dark red', 'blue'] } },
      required: ['name', 'Accept-Language'],
    })

    // Other users get the tool only when it is shared, and nobody does when it is off or for the private network only.
    const stranger = await registerUser(app)
    const other = await createConversation(stranger.client, avee.id)
    const offered = async () => {
      await ask(stranger.client, other.id, 'What is there?')
      return (prompt(ollama).tools ?? []).map((tool) => tool.function.name)
    }
    expect(await offered()).toEqual([])
    const change = async (changes: object) =>
      bodyOf(await client.patch(`${path}/${added.id}`, { ...changes }))
    await change({ shared: true, operations: ['getItem'] })
    expect(await offered()).toEqual(['Shop_getItem'])
    bodyOf(await client.patch(`/avees/${avee.id}`, { local_only: true }))
    expect(await offered()).toEqual([])
    bodyOf(await client.patch(`/avees/${avee.id}`, { local_only: false }))
    await change({ enabled: false })
    expect(await offered()).toEqual([])

    const statusOf = async (request: Promise<{ status: number }>) => (await request).status
    expect(await statusOf(client.patch(`${path}/${added.id}`, { url: `${shop.url}/other` }))).toBe(422)
    expect(await statusOf(client.post(path, shop.tool))).toBe(409)
    const elsewhere = { ...shop.tool, name: 'Elsewhere' }
    for (const url of [
      'http://10.0.0.1/openapi.json',
      'http://169.254.169.254/',
      'http://[::1]/',
      'file:///etc',
    ])
      expect(await statusOf(client.post(path, { ...elsewhere, url }))).toBe(422)
    const program = { kind: 'mcp_stdio', name: 'Program', command: process.execPath, args: ['-e', ''] }
    expect(await statusOf(client.post(path, program))).toBe(403)
    for (const who of [stranger.client, app])
      for (const request of [who.get(path), who.post(path, elsewhere), who.delete(`${path}/${added.id}`)])
        expect(await statusOf(request)).toBeGreaterThanOrEqual(401)
    bodyOf(await client.delete(`${path}/${added.id}`))
    expect(bodyOf(await client.get(path))).toEqual({ tools: [] })
  })

  test('of an MCP server and of a program on the server are listed and called', async () => {
    const avee = await createAvee(admin.client)
    const { id } = await createConversation(admin.client, avee.id)
    const { key } = bodyOf(await admin.client.post<{ key: string }>('/api-keys', { name: 'MCP' }))
    const path = `/avees/${avee.id}/tools`
    const mcp = bodyOf(
      await admin.client.post<CustomTool>(path, {
        kind: 'mcp',
        name: 'Gabee',
        url: `${app.url}/mcp`,
        headers: { authorization: `Bearer ${key}` },
        operations: ['list_avees', 'remember'],
      }),
    )
    expect(mcp.functions.filter(({ selected }) => selected)).toMatchObject([
      { name: 'list_avees', needs_approval: false },
      { name: 'remember', needs_approval: true },
    ])
    const program = { kind: 'mcp_stdio', name: 'Echo', command: process.execPath, args: ['-e', echoServer] }
    const echo = bodyOf(await admin.client.post<CustomTool>(path, program))
    expect(bodyOf(await admin.client.post(`${path}/${echo.id}/test`, {}))).toMatchObject({ ok: true })
    ollama.script(
      '/api/chat',
      calling(
        { name: 'Gabee_list_avees', arguments: {} },
        { name: 'Echo_echo', arguments: { text: 'Hello' } },
        { name: 'Echo_echo', arguments: { text: 'nothing' } },
        { name: 'Gabee_search_documents', arguments: { query: 'not selected' } },
      ),
      { tokens: ['Done.'] },
    )
    expect(resultsOf(await ask(admin.client, id, 'Which avees are there?'))).toEqual([
      expect.stringContaining(avee.handle),
      'You said Hello, without a secret.',
      expect.stringMatching(/^The tool reported an error: .*There is nothing to say\.$/),
      'There is no tool "Gabee_search_documents".',
    ])
  })
})
