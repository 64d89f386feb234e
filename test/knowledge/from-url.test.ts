import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAvee, registerUser, type TestUser } from '../builders.ts'
import { ANY_DATABASE } from '../databases.ts'
import { type KnowledgeServer, openKnowledgeServer } from './server.ts'

/** DNS records of this test by host name. */
const addresses: Record<string, string[]> = {
  'page.example': ['127.0.0.1'],
  'inside.example': ['10.1.2.3'],
  'both.example': ['127.0.0.1', '169.254.169.254'],
}
let isRebound = false
let server: KnowledgeServer
let ann: TestUser
let avee: string
let port: number
const seen: string[] = []

const pages: Record<string, RequestListener> = {
  '/otters': (_, response) =>
    response
      .setHeader('content-type', 'text/html; charset=utf-8')
      .end(
        '<html><head><title>Otters</title></head><body><nav>Beavers, badgers</nav><h1>Otters</h1><p>The otter keeps a stone in its armpit.</p></body></html>',
      ),
  '/packed': (_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
      .end(gzipSync('The badger digs a hall with nine doors.')),
  '/bomb': (_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
      .end(gzipSync(Buffer.alloc(4 * 1024 * 1024))),
  '/moved': (_, response) => response.writeHead(302, { location: '/otters' }).end(),
  '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/to-loopback': (_, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${port}/otters` }).end(),
  '/to-inside': (_, response) =>
    response.writeHead(302, { location: `http://inside.example:${port}/otters` }).end(),
  '/to-file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/missing': (_, response) => response.writeHead(404, { connection: 'close' }).end('no'),
}
const web = createServer((request, response) => {
  seen.push(request.url ?? '')
  const page = pages[request.url ?? '']
  if (page) page(request, response)
  else response.writeHead(404, { connection: 'close' }).end()
})

beforeAll(async () => {
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  port = (web.address() as AddressInfo).port
  server = await openKnowledgeServer(ANY_DATABASE, {
    limits: { maxUploadBytes: 1024 * 1024 },
    network: {
      lookup: (hostname, _options, callback) => {
        // Resolves to a public address first and to a private one later (DNS rebinding).
        const found =
          hostname === 'rebinding.example' ? [isRebound ? '192.168.0.1' : '127.0.0.1'] : addresses[hostname]
        if (found)
          callback(
            null,
            found.map((address) => ({ address, family: 4 })),
          )
        else callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), [])
      },
      // Loopback is allowed for the test names, not as an address.
      isAllowedAddress: (address, host) =>
        address === '127.0.0.1' && host !== undefined && host.endsWith('.example'),
    },
  })
  ann = await registerUser(server)
  avee = (await createAvee(ann.client)).id
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  web.close()
})

const add = (url: string) =>
  ann.client.post<Record<string, unknown>>(`/avees/${avee}/documents/from-url`, { url, layer: 'friends' })

test('fetches a page and makes it searchable', async () => {
  const answer = await add(`http://page.example:${port}/otters`)
  expect(answer).toMatchObject({
    status: 201,
    body: {
      title: 'Otters',
      type: 'html',
      source: 'url',
      source_url: `http://page.example:${port}/otters`,
      layer: 'friends',
    },
  })
  const { hits } = await server.find(avee, 'where does the otter keep its stone?')
  expect(hits[0]?.text).toContain('armpit')
  expect(hits[0]?.text).not.toContain('Beavers')
})

test('returns the existing document for the same page, also after a redirect', async () => {
  expect(await add(`http://page.example:${port}/moved`)).toMatchObject({
    status: 200,
    body: { title: 'Otters' },
  })
})

test('decompresses a page up to the size limit', async () => {
  expect(await add(`http://page.example:${port}/packed`)).toMatchObject({ status: 201 })
  expect(await add(`http://page.example:${port}/bomb`)).toMatchObject({
    body: { error: { code: 'too_large' } },
  })
})

test.each([
  ['an address of this machine', () => `http://127.0.0.1:${port}/otters`, 'address_refused'],
  ['another notation of that address', () => `http://[::ffff:127.0.0.1]:${port}/otters`, 'address_refused'],
  ['a name with a private address', () => `http://inside.example:${port}/otters`, 'address_refused'],
  [
    'a name with a public and a private address',
    () => `http://both.example:${port}/otters`,
    'address_refused',
  ],
  ['a redirect to this machine', () => `http://page.example:${port}/to-loopback`, 'address_refused'],
  [
    'a redirect to a name with a private address',
    () => `http://page.example:${port}/to-inside`,
    'address_refused',
  ],
  ['a redirect to a file', () => `http://page.example:${port}/to-file`, 'url_refused'],
  ['a redirect loop', () => `http://page.example:${port}/loop`, 'too_many_redirects'],
  ['a password in the address', () => `http://user:pass@page.example:${port}/otters`, 'url_refused'],
  ['a missing page', () => `http://page.example:${port}/missing`, 'fetch_failed'],
  ['an unknown name', () => `http://nowhere.example:${port}/`, 'fetch_failed'],
])('refuses %s', async (_, url, code) => {
  const before = seen.length
  const answer = await add(url())
  expect(answer).toMatchObject({
    status: 422,
    body: { error: { code, message: expect.stringMatching(/\.$/), details: [{ path: 'url' }] } },
  })
  // No internal server received a request.
  expect(seen.slice(before)).not.toContain('/otters')
  expect(JSON.stringify(answer.body)).not.toContain('10.1.2.3')
})

test('refuses a name that resolves to a private address when connecting', async () => {
  expect((await add(`http://rebinding.example:${port}/missing`)).body).toMatchObject({
    error: { code: 'fetch_failed' },
  })
  isRebound = true
  expect((await add(`http://rebinding.example:${port}/otters`)).body).toMatchObject({
    error: { code: 'address_refused' },
  })
})
