import { fileURLToPath } from 'node:url'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Run } from '../../contract/runs.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { freePort } from '../../scripts/services/start.ts'
import manifest from '../../server.json' with { type: 'json' }
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, createAvee, registerUser, type TestUser, uploadFiles } from '../builders.ts'
import { createTestDatabase } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { createPdf } from '../pdf.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const clientInfo = { name: 'test', version: '1.0.0' }

/** A connected client of the official SDK. */
async function connect(transport: Transport) {
  const client = new Client(clientInfo)
  await client.connect(transport)
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

type Result = {
  isError?: boolean
  structuredContent?: Record<string, unknown>
  content: { text?: string }[]
}
const call = async (client: Client, name: string, args: Record<string, unknown> = {}) =>
  (await client.callTool({ name, arguments: args })) as Result
const textOf = (result: Result) => result.content[0]?.text ?? ''

test('the manifest for the MCP registry describes the package', () => {
  expect(manifest).toMatchObject({ name: packageJson.mcpName, version: packageJson.version })
  expect(manifest.packages).toMatchObject([{ identifier: packageJson.name, version: packageJson.version }])
})

describe('the MCP server', () => {
  let ollama: ScriptedOllama
  let app: TestApp
  let owner: TestUser
  let visitor: TestUser
  let documents: Record<'public' | 'intimate', string>

  const transportFor = (token: string | undefined) =>
    new StreamableHTTPClientTransport(new URL('/mcp', app.url), {
      requestInit: { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } },
    })
  const keyFor = async (user: TestUser, key: Record<string, unknown>) =>
    bodyOf(await user.client.post<{ key: string }>('/api-keys', { name: 'MCP', ...key })).key

  beforeAll(async () => {
    ollama = await startOllama()
    app = await startApp({ OLLAMA_BASE_URL: ollama.url })
    owner = await registerUser(app)
    visitor = await registerUser(app)
    const avee = await createAvee(owner.client, { handle: 'weaver' })
    const upload = async (layer: 'public' | 'intimate', content: string) => {
      const files = [{ name: `${layer}.txt`, content }]
      const [result] = await uploadFiles(owner.client, files, { avee: avee.id, layer })
      return result?.doc_id ?? ''
    }
    documents = {
      public: await upload('public', 'A loom in the north hall weaves blue cloth every day.'),
      intimate: await upload('intimate', 'The loom in the cellar weaves gold cloth at night.'),
    }
  })
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
    await ollama?.[Symbol.asyncDispose]()
  })

  test('rejects a client without a key, and one with an unknown key', async () => {
    await expect(connect(transportFor(undefined))).rejects.toMatchObject({ code: 401 })
    await expect(connect(transportFor('gabee_unknown'))).rejects.toMatchObject({ code: 401 })
  })

  test('lists six tools with input and output schemas', async () => {
    await using client = await connect(transportFor(await keyFor(owner, {})))
    const { tools } = await client.listTools()
    const shapes = tools.map(({ name, inputSchema, outputSchema }) => ({
      name,
      members: Object.keys(inputSchema.properties ?? {}),
      required: inputSchema.required ?? [],
      result: outputSchema?.type,
    }))
    const result = 'object'
    expect(shapes).toEqual([
      { name: 'list_avees', members: [], required: [], result },
      { name: 'search_documents', members: ['query', 'avee', 'limit'], required: ['query'], result },
      { name: 'read_document', members: ['document_id', 'page'], required: ['document_id'], result },
      {
        name: 'ask_avee',
        members: ['avee', 'question', 'conversation_id'],
        required: ['avee', 'question'],
        result,
      },
      { name: 'remember', members: ['avee', 'text'], required: ['avee', 'text'], result },
      { name: 'recall', members: ['avee', 'query'], required: ['avee'], result },
    ])
  })

  test('answers with citations, in a conversation that continues, as a run that can be read', async () => {
    const runIds: (string | null)[] = []
    const transport = new StreamableHTTPClientTransport(new URL('/mcp', app.url), {
      requestInit: { headers: { authorization: `Bearer ${owner.session.token}` } },
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        runIds.push(response.headers.get('x-run-id'))
        return response
      },
    })
    await using client = await connect(transport)
    const progress: number[] = []
    const first = (await client.callTool(
      { name: 'ask_avee', arguments: { avee: 'weaver', question: 'Where is the loom of blue cloth?' } },
      undefined,
      { onprogress: (each) => progress.push(each.progress) },
    )) as Result
    const { conversation_id, run_id } = first.structuredContent as Record<string, string>
    expect(first.structuredContent).toMatchObject({
      answer: expect.stringContaining('loom'),
      citations: expect.arrayContaining([expect.objectContaining({ document_id: documents.public })]),
      layer_used: 'intimate',
    })
    expect(JSON.parse(textOf(first))).toEqual(first.structuredContent)
    expect(progress.length).toBeGreaterThan(0)
    expect(runIds).toContain(run_id)
    expect(bodyOf(await owner.client.get<Run>(`/runs/${run_id}`))).toMatchObject({ status: 'complete' })

    const next = { avee: 'weaver', question: 'And the gold cloth?', conversation_id }
    const second = await call(client, 'ask_avee', next)
    expect(second.structuredContent).toMatchObject({ conversation_id })
    const other = await createAvee(owner.client)
    const mixed = await call(client, 'ask_avee', { ...next, avee: other.id })
    expect(mixed.isError).toBe(true)
  })

  test('finds and reads documents up to the layer of the caller', async () => {
    await using mine = await connect(transportFor(owner.session.token))
    await using theirs = await connect(transportFor(visitor.session.token))
    const search = async (client: Client) => {
      const found = await call(client, 'search_documents', { query: 'loom cloth', avee: 'weaver' })
      const { passages = [] } = found.structuredContent as { passages?: { document_id: string }[] }
      return passages.map(({ document_id }) => document_id)
    }
    expect((await search(mine)).toSorted()).toEqual(Object.values(documents).toSorted())
    expect(await search(theirs)).toEqual([documents.public])

    const read = await call(mine, 'read_document', { document_id: documents.intimate })
    expect(read.structuredContent).toMatchObject({
      pages: [{ text: expect.stringContaining('gold cloth') }],
      next_page: null,
    })
    const hidden = await call(theirs, 'read_document', { document_id: documents.intimate })
    expect([hidden.isError, textOf(hidden)]).toEqual([true, 'Document not found.'])

    const { resources } = await mine.listResources()
    expect(resources.map(({ uri }) => uri).toSorted()).toEqual(
      Object.values(documents)
        .map((id) => `gabee://documents/${id}`)
        .toSorted(),
    )
    const uri = `gabee://documents/${documents.public}`
    const { contents } = await theirs.readResource({ uri })
    expect(contents).toMatchObject([{ uri, text: expect.stringContaining('blue cloth') }])
    await expect(theirs.readResource({ uri: `gabee://documents/${documents.intimate}` })).rejects.toThrow(
      'Document not found.',
    )
    expect((await theirs.listResources()).resources).toEqual([])
  })

  test('reads long documents in parts', async () => {
    const pages = [1, 2].map((n) => `Part ${n} ${'word '.repeat(11_000)}`)
    const files = [{ name: 'long.pdf', content: createPdf(pages) }]
    const [result] = await uploadFiles(owner.client, files)
    await using client = await connect(transportFor(owner.session.token))
    const read = async (page?: number) =>
      (await call(client, 'read_document', { document_id: result?.doc_id, page })).structuredContent
    expect(await read()).toMatchObject({ pages: [{ page: 1 }], next_page: 2 })
    expect(await read(2)).toMatchObject({ pages: [{ page: 2 }], next_page: null })
  })

  test('remembers for the caller alone', async () => {
    await using mine = await connect(transportFor(owner.session.token))
    await using theirs = await connect(transportFor(visitor.session.token))
    const stored = await call(mine, 'remember', { avee: 'weaver', text: 'I keep bees on the roof.' })
    expect(stored.structuredContent).toMatchObject({ memory: { content: 'I keep bees on the roof.' } })
    const recalled = { memories: [{ content: 'I keep bees on the roof.' }] }
    expect((await call(mine, 'recall', { avee: 'weaver' })).structuredContent).toMatchObject(recalled)
    const byQuery = await call(mine, 'recall', { avee: 'weaver', query: 'bees' })
    expect(byQuery.structuredContent).toMatchObject(recalled)
    expect((await call(theirs, 'recall', { avee: 'weaver' })).structuredContent).toEqual({ memories: [] })
  })

  test('keeps API keys within their scopes and their avee', async () => {
    const other = await createAvee(owner.client)
    await using reader = await connect(transportFor(await keyFor(owner, { scopes: ['read'] })))
    const refused = await call(reader, 'ask_avee', { avee: 'weaver', question: 'Where?' })
    expect([refused.isError, textOf(refused)]).toEqual([true, expect.stringContaining('"chat"')])
    expect((await call(reader, 'remember', { avee: 'weaver', text: 'x' })).isError).toBe(true)

    const bound = await keyFor(owner, { avee_id: other.id })
    await using client = await connect(transportFor(bound))
    const { avees } = (await call(client, 'list_avees')).structuredContent ?? {}
    expect(avees).toMatchObject([{ id: other.id }])
    expect((await call(client, 'ask_avee', { avee: 'weaver', question: 'Where?' })).isError).toBe(true)
    expect((await call(client, 'read_document', { document_id: documents.public })).isError).toBe(true)
  })

  test('explains wrong arguments and unknown tools', async () => {
    await using client = await connect(transportFor(owner.session.token))
    const wrong = await call(client, 'search_documents', { query: '', limit: 900 })
    expect([wrong.isError, textOf(wrong)]).toEqual([
      true,
      'The field query must not be empty. 1 more field is invalid.',
    ])
    const wide = await call(client, 'search_documents', { query: 'blue', limit: 900 })
    expect(textOf(wide)).toBe('The field limit must be at most 50.')
    await expect(call(client, 'no_such_tool')).rejects.toThrow('no_such_tool')
  })

  test('serves clients of the newest protocol version', async () => {
    const client = new ModernClient(clientInfo)
    const headers = { authorization: `Bearer ${owner.session.token}` }
    await client.connect(new ModernHttp(new URL('/mcp', app.url), { requestInit: { headers } }))
    const asked = { name: 'ask_avee', arguments: { avee: 'weaver', question: 'Where is the loom?' } }
    expect((await client.callTool(asked)).structuredContent).toMatchObject({ answer: expect.any(String) })
    await client.close()
  })

  describe('on standard input and output', { timeout: 60_000 }, () => {
    const stdio = (env: Record<string, string>) =>
      new StdioClientTransport({
        command: process.execPath,
        args: ['server/main.ts', 'mcp'],
        cwd: root,
        env: { PATH: process.env['PATH'] ?? '', OLLAMA_BASE_URL: ollama.url, ...env },
        stderr: 'inherit',
      })

    test('acts on a running server with its API key', async () => {
      const key = await keyFor(visitor, {})
      await using client = await connect(stdio({ GABEE_URL: app.url, GABEE_API_KEY: key }))
      const read = await call(client, 'read_document', { document_id: documents.public })
      expect(read.structuredContent).toMatchObject({ title: expect.any(String) })
      const hidden = await call(client, 'read_document', { document_id: documents.intimate })
      expect(hidden.isError).toBe(true)
      const asked = await call(client, 'ask_avee', { avee: 'weaver', question: 'Where is the loom?' })
      expect(asked.structuredContent).toMatchObject({ layer_used: 'public' })
    })

    test('opens the data directory as its owner when no server runs', async () => {
      await using database = await createTestDatabase('embedded')
      await using client = await connect(stdio({ ...database.settings, PORT: String(await freePort()) }))
      const { avees } = (await call(client, 'list_avees')).structuredContent ?? {}
      expect(avees).toMatchObject([{ handle: 'local', is_owner: true }])
      const asked = await call(client, 'ask_avee', { avee: 'local', question: 'Who are you?' })
      expect(asked.structuredContent).toMatchObject({ layer_used: 'intimate' })
    })
  })
})
