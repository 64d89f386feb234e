import { request as httpRequest } from 'node:http'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { IngestResult } from '../../contract/knowledge.ts'
import { bodyOf, registerUser } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ANY_DATABASE } from '../databases.ts'
import { collectEvents } from '../events.ts'
import { type KnowledgeServer, openKnowledgeServer, post, uploadForm } from './server.ts'

let server: KnowledgeServer
let ann: TestClient
const mostBytes = 64 * 1024

beforeAll(async () => {
  server = await openKnowledgeServer(ANY_DATABASE, { limits: { maxUploadBytes: mostBytes } })
  ann = (await registerUser(server)).client
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

const upload = async (files: Parameters<typeof uploadForm>[0]) => {
  const events = await collectEvents(await post(ann, '/api/documents/upload', uploadForm(files)))
  return events.flatMap(({ data }) => (data['result'] ? [data['result'] as IngestResult] : []))
}
const names = async () =>
  bodyOf(await ann.get<{ documents: { filename: string }[] }>('/api/documents/list')).documents.map(
    (one) => one.filename,
  )

test('rejects a file over the limit alone and stores nothing of it', async () => {
  const before = await server.originals()
  const results = await upload([
    { name: 'large.txt', content: 'x'.repeat(mostBytes + 1) },
    { name: 'exact.txt', content: 'fits '.repeat(mostBytes / 5).padEnd(mostBytes, '!') },
  ])
  expect(results).toMatchObject([
    {
      success: false,
      filename: 'large.txt',
      code: 'too_large',
      message: expect.stringContaining('MAX_UPLOAD_MB'),
    },
    { success: true, filename: 'exact.txt' },
  ])
  expect(await server.originals()).toHaveLength(before.length + 1)
})

test('stores a small file in one transaction of few statements', async () => {
  const files = Array.from({ length: 10 }, (_, i) => ({
    name: `note-${i}.md`,
    content: `Note ${i} on bees.`,
  }))
  const query = vi.spyOn(pg.Client.prototype, 'query')
  expect(await upload(files)).toMatchObject(files.map(({ name }) => ({ success: true, filename: name })))
  const statements = query.mock.calls.map(([statement]) => JSON.stringify(statement))
  query.mockRestore()
  const transactions = statements.filter(
    (text) => text.startsWith('"begin') || text.includes('"text":"begin'),
  )
  const ofRunsAndJobs = /appends|jobs|lease_until|lease_ms/
  const ofFiles = statements.filter((text) => !ofRunsAndJobs.test(text))
  expect(transactions.length).toBeLessThan(2 * files.length)
  expect(ofFiles.length, ofFiles.join('\n')).toBeLessThanOrEqual(10 * files.length + 15)
})

test('stores each file of uploads that arrive together once', async () => {
  const notes = Array.from({ length: 6 }, (_, i) => ({
    name: `wasp-${i}.md`,
    content: `Wasp ${i} eats aphids.`,
  }))
  const sent = [...notes, ...notes.slice(0, 3)]
  const results = (await Promise.all(sent.map((file) => upload([file])))).flat()
  expect(results).toMatchObject(sent.map(({ name }) => ({ success: true, filename: name })))
  expect(results.filter(({ duplicate }) => duplicate)).toHaveLength(3)
  const stored = await names()
  for (const { name } of notes) expect(stored.filter((one) => one === name)).toEqual([name])
})

test('gives each of many small files its own result, in order', async () => {
  const note = (i: number) => ({ name: `bee-${i}.md`, content: `Bee ${i} prefers heather.` })
  const added = (name: string) => ({
    success: true,
    filename: name,
    message: expect.stringMatching(/^Added/),
  })
  const notes = Array.from({ length: 12 }, (_, i) => note(i))
  const results = await upload([
    ...notes.slice(0, 6),
    { name: 'damaged.pdf', content: '%PDF-1.7 and nothing else' },
    { ...note(0), name: 'copy-of-bee-0.md' },
    ...notes.slice(6),
    { name: 'bee-1.md', content: 'Bee 1 prefers clover now.' },
  ])
  expect(results).toMatchObject([
    ...notes.slice(0, 6).map(({ name }) => added(name)),
    { success: false, filename: 'damaged.pdf' },
    { success: true, filename: 'copy-of-bee-0.md', duplicate: true, doc_id: results[0]?.doc_id },
    ...notes.slice(6).map(({ name }) => added(name)),
    { success: true, filename: 'bee-1.md', replaced: true, doc_id: results[1]?.doc_id },
  ])
  const stored = await names()
  for (const { name } of notes) expect(stored.filter((one) => one === name)).toEqual([name])
  expect(stored).not.toContain('copy-of-bee-0.md')
  const { results: found } = bodyOf(
    await ann.post<{ results: { filename: string }[] }>('/api/documents/test', { query: 'bee 1 clover' }),
  )
  expect(found[0]).toMatchObject({ filename: 'bee-1.md' })
  await server.knowledge.purge()
  const { rows } = await sql`
    select sum(passages)::int as counted, (select sum(cardinality(terms))::int from passages) as indexed
    from passage_terms`.execute(server.database.db)
  expect(rows).toEqual([{ counted: expect.any(Number), indexed: (rows[0] as { counted: number }).counted }])
})

test('explains what to do about images and damaged files, and rejects programs', async () => {
  const picture = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...Array(64).fill(0)])
  const damaged = new Uint8Array([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ...Array(600).fill(0)])
  const results = await upload([
    { name: 'scan.PNG', content: picture },
    { name: 'letter.doc', content: damaged },
    { name: 'setup.exe', content: 'MZ' },
  ])
  expect(results).toMatchObject([
    { success: false, code: 'no_text', message: expect.stringContaining('text recognition (OCR)') },
    { success: false, code: 'corrupt', message: expect.stringContaining('save it again') },
    { success: false, code: 'unsupported_type', filename: 'setup.exe' },
  ])
})

test('shows file names and never uses them as paths', async () => {
  const long = `${'ü'.repeat(300)}.txt`
  const given = [
    '../../etc/passwd.txt',
    'C:\\temp\\report.txt',
    'Ünïcödé 文書.txt',
    'a\u202egpj.txt',
    long,
    '..txt',
  ]
  const results = await upload(given.map((name, i) => ({ name, content: `File number ${i}.` })))
  expect(results.map((result) => result.filename)).toEqual([
    'passwd.txt',
    'report.txt',
    'Ünïcödé 文書.txt',
    'agpj.txt',
    `${'ü'.repeat(196)}.txt`,
    '..txt',
  ])
  expect(results.every((result) => result.success)).toBe(true)
  expect((await server.originals()).every((name) => /^files\/[0-9a-f]{64}$/.test(name))).toBe(true)
})

test('leaves nothing of an upload that is aborted', async () => {
  const before = [await server.originals(), await names()]
  const boundary = 'xxxxxx'
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="whole.txt"\r\n\r\nall of it\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="half.txt"\r\n\r\nonly the fir`
  const request = httpRequest(`${server.url}/api/documents/upload`, {
    method: 'POST',
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      authorization: `Bearer ${ann.token}`,
      'content-length': 10_000,
    },
  })
  request.on('error', () => undefined)
  request.write(head)
  while ((await server.originals()).length === before[0]?.length)
    await new Promise((resolve) => setImmediate(resolve))
  request.destroy()
  while ((await server.originals()).length > (before[0]?.length ?? 0))
    await new Promise((resolve) => setImmediate(resolve))
  expect([await server.originals(), await names()]).toEqual(before)
})

test('rejects a malformed upload with a message in LocalChat’s format', async () => {
  for (const body of [uploadForm([]), uploadForm([{ name: 'a.exe', content: 'MZ' }]), undefined]) {
    const response = await ann.fetch('/api/documents/upload', { method: 'POST', ...(body ? { body } : {}) })
    const answer = (await response.json()) as Record<string, unknown>
    expect(response.status).toBe(400)
    expect(answer).toMatchObject({
      success: false,
      message: expect.stringMatching(/\.$/),
      error: { code: expect.any(String) },
    })
  }
  const malformed = await ann.fetch('/api/documents/upload', {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: '--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nno end',
  })
  expect(malformed.status).toBe(400)
  expect(await malformed.json()).toMatchObject({ success: false, error: { code: 'malformed_upload' } })
})

test('detects the type of a file without an extension', async () => {
  expect(await upload([{ name: 'minutes', content: 'The meeting began at nine.' }])).toMatchObject([
    { success: true },
  ])
})

test('lists, finds, counts and deletes documents through LocalChat’s routes', async () => {
  await ann.delete('/api/documents/clear')
  const [result] = await upload([
    { name: 'otter.md', content: '# Otters\n\nThe otter sleeps on its back and holds hands.' },
  ])
  const id = result?.doc_id
  expect(bodyOf(await ann.get('/api/documents/list'))).toMatchObject({
    success: true,
    documents: [{ id, filename: 'otter.md', title: 'Otters', chunk_count: 1, layer: 'intimate' }],
  })
  expect(bodyOf(await ann.get(`/api/documents/${id}`))).toMatchObject({
    success: true,
    document: { filename: 'otter.md' },
  })
  expect(
    bodyOf(await ann.post('/api/documents/test', { query: 'how does an otter sleep?', top_k: 3 })),
  ).toMatchObject({
    success: true,
    count: 1,
    answerable: 'yes',
    results: [{ filename: 'otter.md', passage: 1, page: null, text: expect.stringContaining('holds hands') }],
  })
  expect(bodyOf(await ann.post('/api/documents/search-text', { search_text: 'HOLDS hands' }))).toMatchObject({
    count: 1,
  })
  expect(bodyOf(await ann.get('/api/documents/stats'))).toMatchObject({
    document_count: 1,
    chunk_count: 1,
    max_upload_size: mostBytes,
    chunk_statistics: { total_chunks: 1, chunks_with_embeddings: 0, chunks_without_embeddings: 1 },
  })
  const eve = (await registerUser(server)).client
  for (const answer of [await eve.get(`/api/documents/${id}`), await eve.delete(`/api/documents/${id}`)])
    expect(answer).toMatchObject({ status: 404 })
  expect(bodyOf(await ann.delete(`/api/documents/${id}`))).toMatchObject({ success: true })
  expect(await names()).toEqual([])
})

test('returns the original unchanged, with headers that keep browsers from running it', async () => {
  const page = '<html><body><h1>Hi</h1><p>A page about hedgehogs.</p><script>alert(1)</script></body></html>'
  const [html, text] = await upload([
    { name: 'péage (x).html', content: page },
    { name: 'plain.txt', content: 'Only text.' },
  ])
  const saved = await ann.fetch(`/documents/${html?.doc_id}/file`)
  expect(await saved.text()).toBe(page)
  expect(Object.fromEntries(saved.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="pe_age (x).html"; filename*=UTF-8''p%C3%A9age%20%28x%29.html`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringContaining('sandbox'),
  })
  const shown = await ann.fetch(`/documents/${text?.doc_id}/file`)
  expect(Object.fromEntries(shown.headers)).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': expect.stringMatching(/^inline/),
    'content-length': '10',
  })
})

test('returns the same run for the same Idempotency-Key and stores nothing twice', async () => {
  const send = async () => {
    const response = await ann.fetch('/api/documents/upload', {
      method: 'POST',
      body: uploadForm([{ name: 'once.txt', content: 'Only one of me.' }]),
      headers: { 'idempotency-key': 'upload-1' },
    })
    return { run: response.headers.get('x-run-id'), events: await collectEvents(response) }
  }
  const [first, second] = [await send(), await send()]
  expect(second).toEqual(first)
  expect((await server.originals()).filter((name) => name.startsWith('incoming/'))).toEqual([])
})
