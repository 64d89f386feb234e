import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, createApp } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { createLog } from '../../server/log.ts'
import { ANY_DATABASE, createTestDatabase, type TestDatabase } from '../databases.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Operation = {
  operationId?: string
  summary?: string
  tags?: string[]
  security?: object[]
  parameters?: { name: string; in: string; required?: boolean; schema?: object }[]
  requestBody?: { required: boolean; content: Record<string, { schema: object }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>
}
type Api = {
  openapi: string
  info: { title: string; version: string }
  servers: { url: string }[]
  tags: { name: string; description: string }[]
  components: { securitySchemes: object }
  paths: Record<string, Record<string, Operation>>
}

let database: TestDatabase
let app: App
let api: Api
/** All described operations; `name` is the method and path. */
let operations: { name: string; method: string; path: string; operation: Operation }[]

beforeAll(async () => {
  database = await createTestDatabase(ANY_DATABASE)
  const env = { ...database.settings, HOST: '0.0.0.0', OLLAMA_BASE_URL: 'http://127.0.0.1:9' }
  app = await createApp(readConfig(env), { log: createLog('silent') })
  api = (await app.http.inject('/openapi.json')).json()
  operations = Object.entries(api.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method,
      path,
      operation,
    })),
  )
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

function everyValue(value: Json, visit: (key: string, value: Json) => void): void {
  if (value === null || typeof value !== 'object') return
  for (const [key, inner] of Object.entries(value)) {
    visit(key, inner)
    everyValue(inner, visit)
  }
}

const resolves = (pointer: string) =>
  pointer
    .slice(2)
    .split('/')
    .reduce<unknown>(
      (at, part) =>
        (at as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')],
      api,
    ) !== undefined

describe('/openapi.json', () => {
  test('is OpenAPI 3.1 with resolvable references', () => {
    expect(api.openapi).toMatch(/^3\.1\.\d+$/)
    expect(api.info).toMatchObject({ title: 'Gabee', version: expect.any(String) })
    const unresolved: string[] = []
    const old: string[] = []
    everyValue(api as unknown as Json, (key, value) => {
      if (key === '$ref' && (typeof value !== 'string' || !value.startsWith('#/') || !resolves(value)))
        unresolved.push(String(value))
      // Keywords of OpenAPI 3.0, and nested definitions that OpenAPI does not resolve.
      if ((key === 'nullable' && typeof value === 'boolean') || key === '$defs') old.push(key)
    })
    expect([unresolved, old]).toEqual([[], []])
  })

  test('describes every operation', () => {
    const faults = operations.flatMap(({ name, path, operation }) => {
      const { operationId, summary, tags, parameters = [], requestBody, responses } = operation
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, word]) => word)
      const declared = parameters.filter((parameter) => parameter.in === 'path')
      const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'))
      return [
        ...(operationId && /^[a-z0-9_]+$/i.test(operationId) ? [] : ['has no name']),
        ...(summary ? [] : ['has no summary']),
        ...(tags && tags.length > 0 ? [] : ['has no tag']),
        ...(successes.length > 0 ? [] : ['has no success response']),
        ...(Object.keys(responses).every((status) => /^([1-5]\d\d|[1-5]XX|default)$/.test(status))
          ? []
          : ['has an odd status']),
        ...(Object.values(responses).every(({ description }) => typeof description === 'string')
          ? []
          : ['has a response without description']),
        ...(inPath.toString() === declared.map((parameter) => parameter.name).toString()
          ? []
          : ['does not declare its path parameters']),
        ...(declared.every((parameter) => parameter.required === true)
          ? []
          : ['has an optional path parameter']),
        ...(parameters.every(
          (parameter) => parameter.schema && ['path', 'query', 'header', 'cookie'].includes(parameter.in),
        )
          ? []
          : ['has an odd parameter']),
        ...(!requestBody || Object.values(requestBody.content).every(({ schema }) => schema)
          ? []
          : ['has a body without a schema']),
      ].map((fault) => `${name} ${fault}`)
    })
    expect(faults).toEqual([])
    const names = operations.map(({ operation }) => operation.operationId)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('post_chat_ask')
    expect(names).toContain('get_avees_id_permissions')
  })

  test('describes the errors of every operation', () => {
    for (const { name, path, operation } of operations) {
      const foreign = { '/v1': 'OpenAiError', '/ollama': 'OllamaError', '/mcp': 'McpError' }
      const error = foreign[/^\/\w*/.exec(path)?.[0] as keyof typeof foreign] ?? 'Error'
      for (const status of ['4XX', '5XX']) {
        const schema = operation.responses[status]?.content?.['application/json']?.schema
        expect([name, status, schema]).toEqual([name, status, { $ref: `#/components/schemas/${error}` }])
      }
    }
  })

  test.each([
    'POST /chat/stream',
    'POST /api/chat',
    'POST /api/documents/upload',
    'POST /api/models/pull',
    'GET /runs/{id}/events',
  ])('declares the events of the stream %s', (name) => {
    const found = operations.find((each) => each.name === name)
    const { schema } = found?.operation.responses['200']?.content?.['text/event-stream'] ?? {}
    expect(schema).toMatchObject({ anyOf: expect.any(Array) })
    expect(JSON.stringify(schema)).toMatch(/schemas\/(?:Pull)?ErrorEvent/)
  })

  const operationOf = (name: string) => {
    const found = operations.find((each) => each.name === name)
    if (!found) throw new Error(`no operation ${name}`)
    return found.operation
  }

  test('declares authentication, servers and the meaning of tags', () => {
    expect(api.servers).toEqual([{ url: '/' }])
    expect(Object.keys(api.components.securitySchemes)).toEqual([
      'bearer',
      'visitor',
      'visitor_cookie',
      'cookie',
    ])
    const described = new Set(api.tags.map(({ name }) => name))
    expect(
      operations.flatMap(({ operation }) => operation.tags ?? []).filter((tag) => !described.has(tag)),
    ).toEqual([])
  })

  test.each([
    'POST /chat/ask',
    'POST /chat/ask-v2',
    'POST /chat/stream',
    'DELETE /me',
    'DELETE /api/models/delete',
  ])('the body of %s is optional', (name) => {
    expect(operationOf(name).requestBody?.required).toBe(false)
  })

  test('the export is declared as Markdown and as JSON', () => {
    const content = operationOf('GET /conversations/{id}/export').responses['200']?.content
    expect(Object.keys(content ?? {})).toEqual(['text/markdown', 'application/json'])
  })

  test('the events of a run are declared with 204 and Last-Event-ID', () => {
    const { parameters, responses } = operationOf('GET /runs/{id}/events')
    expect(responses).toHaveProperty('204')
    expect(parameters).toContainEqual(expect.objectContaining({ name: 'Last-Event-ID', in: 'header' }))
  })

  test.each(['POST /chat/stream', 'POST /api/chat', 'POST /avees/{id}/documents', 'POST /api/models/pull'])(
    'Idempotency-Key is declared for %s',
    (name) => {
      expect(operationOf(name).parameters).toContainEqual(
        expect.objectContaining({ name: 'Idempotency-Key', in: 'header', required: false }),
      )
    },
  )

  test('has every route of the contract', () => {
    const expected =
      `GET /health, GET /health/ready, POST /auth/register, POST /auth/login, POST /auth/logout, POST /auth/password,
      GET /auth/state, GET /me, PATCH /me, DELETE /me, GET /api-keys, POST /api-keys, DELETE /api-keys/{id}, POST /avees,
      GET /avees, GET /avees/{id}, PATCH /avees/{id}, DELETE /avees/{id}, GET /me/avees, PUT /avees/{id}/permissions/{user_id},
      DELETE /avees/{id}/permissions/{user_id}, GET /avees/{id}/permissions, PUT /avees/{id}/follow, DELETE /avees/{id}/follow,
      POST /conversations, GET /conversations, GET /conversations/{id}, PATCH /conversations/{id}, DELETE /conversations/{id},
      GET /conversations/{id}/messages, GET /conversations/{id}/export, POST /chat/ask, POST /chat/stream, GET /runs,
      GET /runs/{id}, DELETE /runs/{id}, GET /runs/{id}/events, GET /avees/{id}/documents, POST /avees/{id}/documents,
      GET /documents/{id}, PATCH /documents/{id}, DELETE /documents/{id}, GET /documents/{id}/text, GET /documents/{id}/file,
      GET /documents/{id}/passages/{n}, POST /search, POST /api/documents/upload, GET /api/documents/list,
      GET /api/documents/stats, DELETE /api/documents/clear, DELETE /api/documents/{id}, POST /api/documents/test,
      POST /api/chat, POST /api/models/pull, GET /api/models, GET /api/models/active, POST /api/models/active,
      DELETE /api/models/delete, GET /api/status`
        .split(',')
        .map((name) => name.trim())
    const described = new Set(operations.map(({ name }) => name))
    expect(expected.filter((name) => !described.has(name))).toEqual([])
  })
})

describe('every route', () => {
  /** The public operations; all others require authentication. */
  const open = [
    'GET /api/health',
    'GET /auth/state',
    'GET /avees/{id}/avatar',
    'GET /avees/{id}/profile',
    'GET /deletions/{id}',
    'GET /health',
    'GET /health/ready',
    'GET /shares/{id}',
    'POST /auth/forgot-password',
    'POST /auth/login',
    'POST /auth/oidc',
    'POST /auth/register',
    'POST /auth/reset',
    'POST /auth/second-factor',
    'POST /auth/second-factor/passkey',
    'POST /avees/{id}/visits',
  ]

  test('declares public access, which few have', () => {
    const isOpen = operations
      .filter(({ operation }) => operation.security?.length === 0)
      .map(({ name }) => name)
    expect(isOpen.toSorted()).toEqual(open)
  })

  test('authenticates before it validates', async () => {
    for (const { name, method, path } of operations.filter((each) => !open.includes(each.name))) {
      const url = path.replaceAll(/\{\w+\}/g, 'x')
      const response = await app.http.inject({ method: method.toUpperCase() as 'GET', url })
      const { error } = response.json<{ error?: { code: string } | string }>()
      const code = typeof error === 'string' ? error : error?.code
      const expected = path.startsWith('/ollama/') ? 'Sign in first, or send a valid token.' : 'not_signed_in'
      expect([name, response.statusCode, code]).toEqual([name, 401, expected])
    }
  })
})

test('serves /docs without external resources and with the page’s content security policy', async () => {
  const page = await app.http.inject('/docs')
  expect(page.statusCode).toBe(200)
  const parts = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
  expect(parts.length).toBeGreaterThan(3)
  for (const part of parts) {
    expect(part).toMatch(/^\/docs\/static\//)
    const { statusCode, headers } = await app.http.inject(part)
    expect([part, statusCode]).toEqual([part, 200])
    expect(headers['content-security-policy']).not.toMatch(/https?:/)
  }
  expect(page.body).not.toMatch(/<script>(?!\s*<\/script>)/)
  expect((await app.http.inject('/docs/json')).json().openapi).toBe(api.openapi)
})
