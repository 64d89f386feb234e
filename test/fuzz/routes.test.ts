import fc, { type Arbitrary } from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../contract/accounts.ts'
import { mcp } from '../../contract/mcp.ts'
import { chat as chatWithOllama } from '../../contract/ollama.ts'
import { createChatCompletion } from '../../contract/openai.ts'
import { startApp, type TestApp } from '../app.ts'
import { ask, bodyOf, createAvee, createConversation, registerUser, uploadFiles } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { expectError, parseResponse } from '../conformance/contract.ts'
import { parametersFor, timeout } from './options.ts'

type Schema = {
  $ref?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  type?: string | string[]
  format?: string
  properties?: Record<string, Schema>
  items?: Schema
}
type Described = {
  parameters?: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}
type Operation = { method: string; path: string; described: Described }

const texts = [
  '',
  ' ',
  'a',
  'harbour',
  '\u0000',
  '\ud800',
  '\u202e\ufeff',
  '😀'.repeat(300),
  'e\u0301',
  "' or 1=1 --",
  '%00%2e%2e',
  '../../etc/passwd',
  '{{7*7}}',
  '<script>alert(1)</script>',
  'http://127.0.0.1:1/',
  'http://[::1',
  'file:///etc/passwd',
  '2026-13-45T99:99:99Z',
  '9'.repeat(400),
  'x'.repeat(40_000),
]
const wrong: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...texts),
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1.5,
    1e308,
    2 ** 53,
    [],
    {},
    [[]],
    { $ne: null },
    { __proto__: 1 },
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer(),
  fc.array(fc.constantFrom<unknown>('a', null, 1, {}), { maxLength: 2_000 }),
  fc.jsonValue({ maxDepth: 3 }),
)

const requestsPerObjects = 200

let app: TestApp
let operations: Operation[]
/** Ids of existing objects, handles and model names, and unknown ids. */
let ids: string[]
let components: Record<string, Schema>
let tokens: (string | undefined)[]

beforeAll(async () => {
  const limits = ['QUESTIONS_PER_MINUTE', 'UPLOADS_PER_HOUR', 'PULLS_PER_HOUR', 'SIGN_INS_PER_QUARTER_HOUR']
  const settings = Object.fromEntries(limits.map((name) => [`LIMIT_${name}`, '1000000']))
  app = await startApp({ ...settings, TRUST_PROXY: '127.0.0.1' })
  await createObjects()
  const api = bodyOf(
    await app.get<{
      paths: Record<string, Record<string, Described>>
      components: { schemas?: Record<string, Schema> }
    }>('/openapi.json'),
  )
  components = api.components.schemas ?? {}
  operations = Object.entries(api.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, described]) => ({ method: method.toUpperCase(), path, described })),
  )
})
afterAll(() => app[Symbol.asyncDispose]())

/** Errors in the form of another protocol, by the first part of the path. */
const foreignErrors = [
  ['/v1/', createChatCompletion.errors],
  ['/ollama/', chatWithOllama.errors],
  ['/mcp', mcp.errors],
] as const

let rounds = 0

/** Creates several users with objects of every kind, because generated requests delete some. */
async function createObjects(): Promise<void> {
  // Registrations are limited by address. The first one comes from this machine, which needs no setup token.
  const headers: Record<string, string> =
    rounds === 0 ? {} : { 'x-forwarded-for': `2001:db8:0:${rounds.toString(16)}::1` }
  rounds += 1
  const anyone: TestClient = { ...app, post: (path, body) => app.post(path, body, { headers }) }
  const admin = await registerUser(anyone)
  const { client, session } = await registerUser(anyone)
  const stranger = await registerUser(anyone)
  const avee = await createAvee(client, { visibility: 'public' })
  const [uploaded] = await uploadFiles(
    client,
    [{ name: 'a.md', content: '# Harbour\n\nThe harbour opens at dawn.' }],
    { avee: avee.id, layer: 'public' },
  )
  const conversation = await createConversation(client, avee.id)
  await ask(client, conversation.id, 'When does the harbour open?')
  const { messages } = bodyOf(
    await client.get<{ messages: { id: string; run_id: string | null }[] }>(
      `/conversations/${conversation.id}/messages`,
    ),
  )
  const memory = bodyOf(
    await client.post<{ id: string }>('/memories', { avee: avee.id, content: 'The user sails.' }),
  )
  const key = bodyOf(await client.post<{ id: string; key: string }>('/api-keys', { scopes: ['read'] }))
  tokens = [
    admin.client.token,
    client.token,
    client.token,
    stranger.client.token,
    key.key,
    'no token',
    undefined,
  ]
  ids = [
    avee.id,
    avee.handle,
    uploaded?.doc_id ?? '',
    conversation.id,
    memory.id,
    key.id,
    session.user.id,
    ...messages.flatMap(({ id, run_id }) => [id, run_id ?? id]),
    'local',
    'extractive',
    '00000000-0000-7000-8000-000000000000',
  ]
}

/** Generates values of a JSON schema, of which one in eight is wrong at each level. */
function valueOf(schema: Schema, depth = 0): Arbitrary<unknown> {
  const { $ref, anyOf, oneOf, allOf, properties, items, type, format } = schema
  const right = (): Arbitrary<unknown> => {
    if ($ref !== undefined) return valueOf(components[$ref.split('/').at(-1) ?? ''] ?? {}, depth + 1)
    if ('const' in schema) return fc.constant(schema.const)
    if (schema.enum) return fc.constantFrom(...schema.enum)
    const choices = anyOf ?? oneOf ?? allOf
    if (choices && depth < 6) return fc.oneof(...choices.map((choice) => valueOf(choice, depth + 1)))
    if (properties && depth < 6) {
      const members = Object.entries(properties).map(([name, member]) => [name, valueOf(member, depth + 1)])
      return fc.record(Object.fromEntries(members) as Record<string, Arbitrary<unknown>>, {
        requiredKeys: [],
      })
    }
    switch ([type].flat()[0]) {
      case 'string':
        return fc.oneof(
          fc.constantFrom(...ids),
          format === 'date-time'
            ? fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
            : fc.string(),
          fc.constantFrom('a@example.org', 'public', 'friends', 'harbour', 'a good long password'),
        )
      case 'integer':
      case 'number':
        return fc.oneof(fc.nat(100), fc.integer(), fc.double())
      case 'boolean':
        return fc.boolean()
      case 'array':
        return fc.array(valueOf(items ?? {}, depth + 1), { maxLength: 4 })
      default:
        return wrong
    }
  }
  return fc.oneof({ arbitrary: right(), weight: 7 }, { arbitrary: wrong, weight: 1 })
}

type Sent = {
  method: string
  path: string
  query: Record<string, unknown>
  headers: Record<string, string>
  body: unknown
  type: string
  token: number
}

const segment = () =>
  fc.oneof({ arbitrary: fc.constantFrom(...ids), weight: 6 }, { arbitrary: wrong.map(String), weight: 1 })

const requestOf = ({ method, path, described }: Operation): Arbitrary<Sent> => {
  const { parameters = [], requestBody } = described
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([name]) => name)
  const optional = (where: string) =>
    fc.record(
      Object.fromEntries(
        parameters.filter((one) => one.in === where).map(({ name, schema }) => [name, valueOf(schema)]),
      ),
      { requiredKeys: [] },
    )
  const [[type, { schema }] = ['application/json', { schema: {} }]] = Object.entries(
    requestBody?.content ?? {},
  )
  return fc.record({
    method: fc.oneof(
      { arbitrary: fc.constant(method), weight: 15 },
      { arbitrary: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'GET'), weight: 1 },
    ),
    path: fc
      .array(segment(), { minLength: names.length, maxLength: names.length })
      .map((values) =>
        names.reduce(
          (filled, name, i) =>
            filled.replace(name, () => encodeURIComponent((values[i] ?? '').toWellFormed())),
          path,
        ),
      ),
    query: optional('query'),
    headers: optional('header').map((headers) =>
      Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          String(value).replaceAll(/[^\x20-\x7e]/g, '?'),
        ]),
      ),
    ),
    body: valueOf(schema),
    type: fc.oneof(
      { arbitrary: fc.constant(type), weight: 10 },
      {
        arbitrary: fc.constantFrom(
          'application/json',
          'text/plain',
          'multipart/form-data',
          'application/xml',
        ),
        weight: 1,
      },
    ),
    token: fc.nat(tokens.length - 1),
  })
}

function encodeBody({ method, type, body }: Sent): RequestInit {
  if (method === 'GET') return {}
  if (type !== 'multipart/form-data')
    return { headers: { 'content-type': type }, body: JSON.stringify(body) ?? '{' }
  const form = new FormData()
  const fields = typeof body === 'object' && body !== null ? Object.entries(body) : [['files', body]]
  for (const [name, value] of fields as [string, unknown][]) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    if (name === 'files') form.append(name, new File([text ?? ''], `${(text ?? '').slice(0, 300)}.txt`))
    else form.append(name, text ?? '')
  }
  return { body: form }
}

test(
  'every route answers generated requests with a result or an error of the contract',
  async () => {
    const statuses: Record<string, number> = {}
    let count = 0
    const anyRequest = fc.constantFrom(...operations).chain(requestOf)
    const property = fc.asyncProperty(anyRequest, async (sent) => {
      count += 1
      if (count % requestsPerObjects === 0) await createObjects()
      const { path, query, headers, token } = sent
      const search = new URLSearchParams(
        Object.entries(query).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      )
      const { headers: own, ...init } = encodeBody(sent)
      const response = await app.as(tokens[token]).fetch(`${path}?${search.toString()}`, {
        method: sent.method,
        headers: { ...headers, ...(own as Record<string, string>) },
        ...init,
        signal: AbortSignal.timeout(60_000),
      })
      const parsed = await parseResponse(response)
      statuses[response.status] = (statuses[response.status] ?? 0) + 1
      if (response.status < 400) return
      expect(response.status, JSON.stringify(parsed.body)).not.toBe(500)
      const foreign = foreignErrors.find(([prefix]) => path.startsWith(prefix))
      if (foreign) foreign[1]?.parse(parsed.body)
      else expectError(parsed, response.status)
    })
    await fc.assert(property, parametersFor(300))
    console.info(statuses)
    expect(bodyOf(await app.get<{ ok: boolean }>('/health'))).toEqual({ ok: true })
    expect((await app.post<Session>('/auth/login', {})).status).toBe(422)
  },
  timeout,
)
