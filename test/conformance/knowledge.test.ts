import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Document, Passage, SearchHit } from '../../contract/knowledge.ts'
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, createAvee, registerUser, type TestUser } from '../builders.ts'
import { encryptedPdf, scannedPdf } from '../files/pdf.ts'
import { createPdf } from '../pdf.ts'
import {
  expectError,
  expectErrorResponse,
  formOf,
  isoTime,
  parseResponse,
  streamOf,
  uuid7,
} from './contract.ts'

let app: TestApp
let ann: TestUser
let bob: TestUser
let avee: string

beforeAll(async () => {
  app = await startApp()
  ann = await registerUser(app)
  bob = await registerUser(app)
})
afterAll(async () => await app?.[Symbol.asyncDispose]())
beforeEach(async () => {
  avee = (await createAvee(ann.client)).id
})

const bytes = (content: Uint8Array) => Uint8Array.from(content)
const add = async (files: Parameters<typeof formOf>[0], layer = 'public') =>
  streamOf(
    await ann.client.fetch(`/avees/${avee}/documents`, { method: 'POST', body: formOf(files, { layer }) }),
  )
const resultsOf = (events: Record<string, unknown>[]) =>
  events.flatMap((event) => (event['result'] ? [event['result'] as Record<string, unknown>] : []))
const pages = ['The harbour of Vellmar opens at dawn.', 'The keeper of the lighthouse is Ottilie Brandt.']
const listed = async () =>
  bodyOf(await ann.client.get<{ documents: Document[] }>(`/avees/${avee}/documents`)).documents

test('streams the progress of an upload and creates documents', async () => {
  const events = await add([{ name: 'vellmar.pdf', content: createPdf(pages) }], 'friends')
  expect(events[0]).toEqual({ message: 'Processing vellmar.pdf...' })
  expect(events.at(-1)).toEqual({ done: true, total_documents: 1 })
  const [result] = resultsOf(events)
  expect(result).toMatchObject({ success: true, filename: 'vellmar.pdf', pages: 2 })
  const [document] = await listed()
  expect(document).toMatchObject({
    id: result?.['doc_id'],
    avee_id: avee,
    title: 'vellmar',
    filename: 'vellmar.pdf',
    layer: 'friends',
    pages: 2,
    passages: result?.['chunks'],
    created_at: expect.stringMatching(isoTime),
  })
  expect(document?.id).toMatch(uuid7)
  expect(bodyOf(await ann.client.get(`/documents/${document?.id}`))).toEqual(document)
})

test('returns the text, file and passages of a document as uploaded', async () => {
  const content = createPdf(pages)
  const [result] = resultsOf(await add([{ name: 'vellmar.pdf', content }]))
  const id = result?.['doc_id'] as string
  const text = bodyOf(
    await ann.client.get<{ pages: { page: number; text: string }[] }>(`/documents/${id}/text`),
  )
  expect(text.pages.map(({ page, text }) => ({ page, text: text.trim() }))).toEqual([
    { page: 1, text: pages[0] },
    { page: 2, text: pages[1] },
  ])
  const file = await ann.client.fetch(`/documents/${id}/file`)
  expect(file.status).toBe(200)
  expect(new Uint8Array(await file.arrayBuffer())).toEqual(content)
  expect(file.headers.get('content-type')).toBe('application/pdf')
  expect(file.headers.get('x-content-type-options')).toBe('nosniff')

  const { results } = bodyOf(
    await ann.client.post<{ results: SearchHit[] }>('/search', { avee, query: 'keeper of the lighthouse' }),
  )
  const [hit] = results
  expect(Object.keys(hit ?? {})).toEqual(
    expect.arrayContaining(['document_id', 'title', 'page', 'passage', 'text', 'score', 'layer']),
  )
  expect(hit).toMatchObject({ document_id: id, page: 2, layer: 'public' })
  const passage = bodyOf(await ann.client.get<Passage>(`/documents/${id}/passages/${hit?.passage}`))
  expect(passage).toMatchObject({ document_id: id, page: 2, text: hit?.text })
  const page = text.pages.find((each) => each.page === passage.page)
  expect(page?.text.slice(passage.start, passage.end)).toBe(passage.text)
  for (const n of ['0', '999', '-1', 'x', '1.5', '99999999999999999999'])
    expectError(await ann.client.get(`/documents/${id}/passages/${n}`), 404)
})

test('creates documents from text', async () => {
  const body = { title: 'Notes', text: '# Tides\n\nThe tide turns at six.', layer: 'intimate' }
  const response = await ann.client.post<Document>(`/avees/${avee}/documents`, body)
  expect([200, 201]).toContain(response.status)
  expect(await listed()).toMatchObject([{ title: 'Notes', layer: 'intimate' }])
  const { results } = bodyOf(
    await ann.client.post<{ results: SearchHit[] }>('/search', { avee, query: 'tide' }),
  )
  expect(results[0]).toMatchObject({
    title: 'Notes',
    text: expect.stringContaining('The tide turns at six.'),
  })
  for (const wrong of [
    { title: 'x', text: '' },
    { title: '', text: 'x' },
    { title: 'x' },
    { title: 'x', text: 'x', layer: 'secret' },
    { title: ['x'], text: { a: 1 } },
  ])
    expectError(await ann.client.post(`/avees/${avee}/documents`, wrong), 422)
  expect(await listed()).toHaveLength(1)
})

test('refuses to fetch private addresses', async () => {
  for (const url of [
    `${app.url}/health`,
    'http://localhost/',
    'http://127.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
    'http://0/',
    'http://2130706433/',
  ]) {
    const response = await parseResponse(
      await ann.client.fetch(`/avees/${avee}/documents/from-url`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ url, layer: 'public' }),
      }),
    )
    if (response.status === 200) {
      expect(response.body, url).toMatch(/"success":false|"error"/)
      expect(response.body).not.toContain('"ok":true')
    } else expectError(response, response.status)
  }
  for (const url of ['file:///etc/passwd', 'ftp://example.org/', 'javascript:alert(1)', 'nonsense', ''])
    expectError(await ann.client.post(`/avees/${avee}/documents/from-url`, { url, layer: 'public' }), 422)
  expect(await listed()).toEqual([])
})

test('renames a document, moves it between layers, and deletes it with everything derived from it', async () => {
  const [result] = resultsOf(await add([{ name: 'vellmar.pdf', content: createPdf(pages) }]))
  const path = `/documents/${String(result?.['doc_id'])}`
  expect(bodyOf(await ann.client.patch(path, { title: 'Vellmar', layer: 'intimate' }))).toMatchObject({
    title: 'Vellmar',
    layer: 'intimate',
  })
  expectError(await ann.client.patch(path, { layer: 'everyone' }), 422)
  expectError(await ann.client.patch(path, { title: '' }), 422)
  expect((await ann.client.delete(path)).status).toBe(200)
  for (const part of ['', '/text', '/file', '/passages/1'])
    expectError(await ann.client.get(`${path}${part}`), 404)
  expectError(await ann.client.delete(path), 404)
  expect(bodyOf(await ann.client.post('/search', { avee, query: 'lighthouse' }))).toMatchObject({
    results: [],
  })
  expect(resultsOf(await add([{ name: 'vellmar.pdf', content: createPdf(pages) }]))).toMatchObject([
    { success: true, filename: 'vellmar.pdf' },
  ])
})

test('explains each unreadable file and ingests the others', async () => {
  const garbage = bytes(Buffer.from('%PDF-1.7\nnothing of the kind'))
  const events = await add([
    { name: 'first.txt', content: 'The first one is good.' },
    { name: 'encrypted.pdf', content: bytes(encryptedPdf()) },
    { name: 'empty.txt', content: '' },
    { name: 'blank.txt', content: ' \n\t ' },
    { name: 'corrupt.pdf', content: garbage },
    { name: 'scanned.pdf', content: bytes(scannedPdf(2)) },
    { name: 'program.exe', content: bytes(Buffer.from([0x4d, 0x5a, 0, 0, 1, 2, 3])) },
    { name: 'last.md', content: '# Last\n\nThe last one is good, too.' },
  ])
  const results = resultsOf(events)
  expect(results.map(({ filename, success }) => [filename, success])).toEqual([
    ['first.txt', true],
    ['encrypted.pdf', false],
    ['empty.txt', false],
    ['blank.txt', false],
    ['corrupt.pdf', false],
    ['scanned.pdf', false],
    ['program.exe', false],
    ['last.md', true],
  ])
  const why = Object.fromEntries(results.map(({ filename, message }) => [filename, message]))
  expect(why['encrypted.pdf']).toMatch(/password|encrypted/i)
  expect(why['empty.txt']).toMatch(/empty/i)
  expect(why['corrupt.pdf']).toMatch(/damaged|corrupt/i)
  expect(why['scanned.pdf']).toMatch(/scan/i)
  expect(why['program.exe']).toMatch(/\.exe files are not supported/)
  expect(events.at(-1)).toEqual({ done: true, total_documents: 2 })
  expect((await listed()).map(({ filename }) => String(filename)).sort((a, b) => a.localeCompare(b))).toEqual(
    ['first.txt', 'last.md'],
  )
})

test('refuses a missing or invalid layer and a missing file before any stream', async () => {
  const send = (form: FormData, person = ann) =>
    person.client.fetch(`/avees/${avee}/documents`, { method: 'POST', body: form })
  const file = [{ name: 'a.txt', content: 'The tide turns at six.' }]
  const wrong = await parseResponse(await send(formOf(file, { layer: 'everybody' })))
  expect([400, 422]).toContain(wrong.status)
  expectError(wrong, wrong.status)
  await expectErrorResponse(await send(formOf([], { layer: 'public' })), 400)
  await expectErrorResponse(await send(formOf(file, { layer: 'public' }), bob), 403)
  await expectErrorResponse(
    await app.fetch(`/avees/${avee}/documents`, { method: 'POST', body: formOf(file) }),
    401,
  )
  expect(await listed()).toEqual([])
})

test('searches all avees of the caller by default, respects the limit, and refuses invalid parameters', async () => {
  const notes = Array.from({ length: 6 }, (_, i) => ({
    name: `${i}.txt`,
    content: `Note ${i}: the pelican of harbour ${i} sleeps.`,
  }))
  await add(notes)
  const search = async (body: object) => ann.client.post<{ results: SearchHit[] }>('/search', body)
  expect(bodyOf(await search({ avee, query: 'pelican', limit: 3 })).results).toHaveLength(3)
  const { results } = bodyOf(await search({ avee, query: 'pelican' }))
  expect(results.map(({ score }) => score)).toEqual(
    results.map(({ score }) => score).toSorted((a, b) => b - a),
  )
  expect(bodyOf(await search({ query: 'pelican', limit: 6 })).results.map(({ title }) => title)).toEqual(
    results.map(({ title }) => title),
  )
  for (const wrong of [
    {},
    { query: '' },
    { query: ['x'] },
    { query: 'x', limit: -1 },
    { query: 'x', limit: '3' },
  ])
    expectError(await search({ avee, ...wrong }), 422)
  for (const query of [
    '"',
    "'; drop table x; --",
    '(((',
    '* & | ! :*',
    '%%%',
    '\\',
    '😀',
    'a'.repeat(10_000),
  ])
    bodyOf(await search({ avee, query }))
})
