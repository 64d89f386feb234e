import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { IngestResult } from '../../contract/knowledge.ts'
import { bodyOf, createAvee, registerUser, type TestUser } from '../builders.ts'
import { ANY_DATABASE } from '../databases.ts'
import { collectEvents } from '../events.ts'
import { type KnowledgeServer, openKnowledgeServer } from './server.ts'

/** The site's responses by path, each a body or a status; every test sets its own. */
let site: Record<string, string | Buffer | number> = {}
const asked: string[] = []
let server: KnowledgeServer
let ann: TestUser
let avee: string
let port: number
let names = 0
let origin: string

const web = createServer((request, response) => {
  asked.push(request.url ?? '')
  const found = site[request.url ?? '']
  if (typeof found === 'number' || found === undefined) response.writeHead(found ?? 404).end()
  else
    response.setHeader('content-type', request.url?.endsWith('.txt') ? 'text/plain' : 'text/html').end(found)
})

beforeAll(async () => {
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  port = (web.address() as AddressInfo).port
  server = await openKnowledgeServer(ANY_DATABASE, {
    limits: { maxSitePages: 4 },
    network: {
      lookup: (_hostname, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
      isAllowedAddress: (address, host) =>
        address === '127.0.0.1' && host !== undefined && host.endsWith('.example'),
    },
  })
  ann = await registerUser(server)
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  web.close()
})
// Each test uses its own host, because robots.txt is cached.
beforeEach(async () => {
  names += 1
  origin = `http://site-${names}.example:${port}`
  asked.length = 0
  avee = (await createAvee(ann.client)).id
})

const page = (title: string) =>
  `<html><head><title>${title}</title></head><body><p>All about ${title}.</p></body></html>`
const urlset = (...paths: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${paths
    .map(
      (path) =>
        `<url><loc>\n ${new URL(path, origin).href.replaceAll('&', '&amp;')}</loc><lastmod>2026-01-01</lastmod></url>`,
    )
    .join('')}</urlset>`
const index = (...paths: string[]) =>
  `<sitemapindex>${paths.map((path) => `<sitemap><loc>${origin}${path}</loc></sitemap>`).join('')}</sitemapindex>`

async function add(url: string, more: object = {}) {
  const response = await ann.client.fetch(`/avees/${avee}/documents/from-site`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url, layer: 'friends', ...more }),
  })
  if (response.status !== 200)
    return { status: response.status, body: await response.json(), results: [], messages: [] }
  const events = await collectEvents(response)
  return {
    status: 200,
    body: undefined,
    results: events.flatMap(({ data }) => (data['result'] ? [data['result'] as IngestResult] : [])),
    messages: events.flatMap(({ data }) => (typeof data['message'] === 'string' ? [data['message']] : [])),
  }
}

const documents = async () =>
  bodyOf(
    await ann.client.get<{ documents: { title: string; source_url: string }[] }>(`/avees/${avee}/documents`),
  ).documents

test('adds each page of a sitemap as a document', async () => {
  site = {
    '/robots.txt': `User-agent: *\nDisallow: /private\nSitemap: ${origin}/map-1.xml`,
    '/map-1.xml': index('/map-2.xml', '/map-3.xml.gz'),
    '/map-2.xml': urlset(
      '/otters',
      '/badgers?kind=old&sort=1',
      '/private/diary',
      'https://elsewhere.example/',
    ),
    '/map-3.xml.gz': gzipSync(urlset('/mills', '/otters#feet', '/gone')),
    '/otters': page('Otters'),
    '/badgers?kind=old&sort=1': page('Badgers'),
    '/mills': page('Mills'),
  }
  const { results, messages } = await add(origin)
  expect(messages[0]).toBe(`site-${names}.example:${port} lists 4 pages.`)
  expect(results.map(({ filename, success }) => [filename.slice(origin.length), success])).toEqual([
    ['/otters', true],
    ['/badgers?kind=old&sort=1', true],
    ['/mills', true],
    ['/gone', false],
  ])
  expect(asked).not.toContain('/private/diary')
  expect((await documents()).map(({ title }) => title).toSorted()).toEqual(['Badgers', 'Mills', 'Otters'])
})

test('reads every sitemap that a site names, also one in the default location', async () => {
  site = {
    '/robots.txt': `Sitemap: ${origin}/news.xml\nSitemap: ${origin}/sitemap.xml`,
    '/news.xml': urlset('/otters'),
    '/sitemap.xml': index('/sitemap_index.xml'),
    '/sitemap_index.xml': urlset('/mills'),
    '/otters': page('Otters'),
    '/mills': page('Mills'),
  }
  expect((await add(origin)).results).toMatchObject([{ success: true }, { success: true }])
})

test('replaces changed pages and leaves the others when a site is added again', async () => {
  site = { '/sitemap.xml': urlset('/otters', '/mills'), '/otters': page('Otters'), '/mills': page('Mills') }
  await add(origin)
  site['/mills'] = page('Watermills')
  const { results } = await add(origin)
  expect(results).toMatchObject([{ duplicate: true }, { replaced: true }])
  expect((await documents()).map(({ title }) => title).toSorted()).toEqual(['Otters', 'Watermills'])
})

test('adds the pages below the URL only, up to the limit', async () => {
  const paths = ['/docs/a', '/blog/b', '/docs/c', '/docs/d', '/docs/e', '/docs/f']
  site = { '/sitemap.xml': urlset(...paths), ...Object.fromEntries(paths.map((path) => [path, page(path)])) }
  const few = await add(`${origin}/docs/`, { limit: 2 })
  expect(few.results.map(({ filename }) => filename.slice(origin.length))).toEqual(['/docs/a', '/docs/c'])
  expect(few.messages[0]).toContain('lists 5 pages; reading the first 2')
  const most = await add(`${origin}/docs/`, { limit: 100 })
  expect(most.results).toHaveLength(4)
})

test('accepts the URL of a sitemap, also of a plain list', async () => {
  site = {
    '/list.txt': `${origin}/otters\n${origin}/mills\n`,
    '/own.xml': urlset('/otters'),
    '/otters': page('Otters'),
  }
  expect((await add(`${origin}/own.xml`)).results).toMatchObject([{ success: true }])
  origin = `http://also-${names}.example:${port}`
  site['/robots.txt'] = `Sitemap: ${origin}/list.txt`
  site['/list.txt'] = `${origin}/otters\n`
  const [first] = (await add(origin)).results
  expect(first).toMatchObject({ success: true })
  // The same page of another site is a separate document.
  expect(first?.duplicate).toBeUndefined()
  expect((await add(origin)).results).toMatchObject([{ duplicate: true, doc_id: first?.doc_id }])
})

test.each([
  ['a site without a sitemap', {}, 'no_sitemap'],
  ['a sitemap that is no sitemap', { '/sitemap.xml': page('Not found') }, 'no_sitemap'],
  ['a sitemap that is cut off', { '/sitemap.xml': '<urlset><url><loc>http://site' }, 'no_sitemap'],
  [
    'a sitemap of other sites',
    { '/sitemap.xml': '<urlset><url><loc>https://elsewhere.example/</loc></url></urlset>' },
    'no_pages',
  ],
  ['a site in trouble', { '/robots.txt': 503 }, 'fetch_failed'],
])('explains what is wrong with %s', async (_, answers, code) => {
  site = answers
  expect(await add(origin)).toMatchObject({
    status: 422,
    body: { error: { code, message: expect.stringMatching(/\.$/), details: [{ path: 'url' }] } },
  })
})

test('fetches no page that robots.txt disallows, also as a single page', async () => {
  site = { '/robots.txt': 'User-agent: Gabee\nDisallow: /diary', '/diary': page('Diary') }
  expect(
    await ann.client.post(`/avees/${avee}/documents/from-url`, { url: `${origin}/diary`, layer: 'public' }),
  ).toMatchObject({ status: 422, body: { error: { code: 'closed_by_robots' } } })
  expect(asked).toEqual(['/robots.txt'])
})

test('does not add a site to another user’s avee', async () => {
  const bob = await registerUser(server)
  const response = await bob.client.post(`/avees/${avee}/documents/from-site`, {
    url: origin,
    layer: 'public',
  })
  expect(response.status).toBe(403)
  expect(asked).toEqual([])
})
