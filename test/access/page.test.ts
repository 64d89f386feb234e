import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../server/db/index.ts'
import { ANY_DATABASE, openTestDatabase } from '../databases.ts'
import { type ErrorResponse, openServer, type TestServer } from './server.ts'

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
let folder: string
let database: Database
let server: TestServer

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gabee-page-'))
  const built = path.join(folder, 'dist')
  await mkdir(path.join(built, 'assets'), { recursive: true })
  await writeFile(path.join(built, 'index.html'), '<!doctype html><title>The page</title>')
  await writeFile(path.join(built, 'assets/main-a1b2c3.js'), 'export {}')
  await writeFile(path.join(built, 'diagram.html'), '<!doctype html><title>Diagrams</title>')
  await writeFile(path.join(built, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  await writeFile(path.join(folder, 'secret.txt'), 'outside')
  database = await openTestDatabase(ANY_DATABASE)
  server = await openServer(
    database,
    {},
    {
      pageDirectory: built,
      routes: async (http) => {
        http.post('/chat/ask', async () => ({ from: 'the API' }))
        http.get('/chat/:id/memories', async () => ({ from: 'the API' }))
      },
    },
  )
})
afterAll(async () => {
  await server.http.close()
  await database[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

test.each([
  '/',
  '/chat/sage',
  '/chat/ask',
  '/library',
  '/settings/keys',
  '/index.html',
  '/deep/er/and/deeper?x=1',
])('serves the page to a browser that opens %s, without caching', async (url) => {
  const { status, headers, body } = await server.call<string>('GET', url, { headers: browser })
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(body).toContain('The page')
  expect(headers['cache-control']).toBe('no-cache')
  expect(headers['x-robots-tag']).toBeUndefined()
})

test('keeps shared conversations out of search engines', async () => {
  const { status, headers } = await server.call('GET', '/s/some-token', { headers: browser })
  expect([status, headers['x-robots-tag']]).toEqual([200, 'noindex'])
})

test('API routes take precedence over the page', async () => {
  expect((await server.call('POST', '/chat/ask', { headers: browser })).body).toEqual({ from: 'the API' })
  expect((await server.call('GET', '/chat/x/memories', { headers: browser })).body).toEqual({
    from: 'the API',
  })
  expect((await server.call('GET', '/me', { headers: browser })).headers['content-type']).toContain('json')
})

test.each(['/api/nowhere', '/v1/nowhere', '/mcp/nowhere', '/auth/nowhere'])(
  'returns a JSON 404 for %s',
  async (url) => {
    const { status, body } = await server.call<ErrorResponse>('GET', url, { headers: browser })
    expect([status, body.error.code]).toEqual([404, 'not_found'])
  },
)

test('returns a JSON 404 to programs', async () => {
  expect((await server.call('GET', '/nowhere', { headers: { accept: '*/*' } })).status).toBe(404)
  expect((await server.call('POST', '/nowhere', { headers: browser })).status).toBe(404)
})

test('serves files, with immutable caching of hashed names', async () => {
  const script = await server.call('GET', '/assets/main-a1b2c3.js')
  expect([script.status, script.headers['cache-control']]).toEqual([
    200,
    'public, max-age=31536000, immutable',
  ])
  expect(script.headers['content-type']).toContain('javascript')
  const icon = await server.call('GET', '/icon.svg')
  expect([icon.status, icon.headers['content-type']]).toEqual([200, 'image/svg+xml'])
  expect((await server.call('HEAD', '/icon.svg')).status).toBe(200)
  expect((await server.call('GET', '/assets/gone-d4e5f6.js')).status).toBe(404)
})

test('serves the frame of diagrams without an origin and without the network, to pages on other websites too', async () => {
  const { status, headers } = await server.call('GET', '/diagram.html', { headers: browser })
  expect([status, headers['cache-control'], headers['x-frame-options']]).toEqual([200, 'no-cache', undefined])
  const policy = headers['content-security-policy']
  expect(policy).toMatch(/^default-src 'none'; script-src 'self';.* sandbox allow-scripts$/)
  expect(policy).not.toContain('frame-ancestors')
  const script = await server.call('GET', '/assets/main-a1b2c3.js', { headers: { origin: 'null' } })
  expect([script.status, script.headers['access-control-allow-origin']]).toEqual([200, '*'])
  const icon = await server.call('GET', '/icon.svg', { headers: { origin: 'null' } })
  expect(icon.headers['access-control-allow-origin']).toBeUndefined()
})

test.each([
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/assets/../../secret.txt',
  '/assets/%2e%2e%2f..%2fsecret.txt',
])('does not serve %s from outside the page', async (url) => {
  const { status, body } = await server.call('GET', url)
  expect(status).toBe(404)
  expect(JSON.stringify(body)).not.toContain('outside')
})

test('runs without a built page', async () => {
  await using bare = await openServer(database, {}, { pageDirectory: path.join(folder, 'nothing') })
  const { status, body } = await bare.call<string>('GET', '/', { headers: browser })
  expect(status).toBe(503)
  expect(body).toContain('npm start')
  expect((await bare.call('GET', '/health')).status).toBe(200)
})
