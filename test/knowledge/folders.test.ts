import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Document, Folder } from '../../contract/knowledge.ts'
import { bodyOf, createAvee, registerUser, uploadFiles } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'
import { temporaryFolder } from '../files/folder.ts'
import { type KnowledgeServer, openKnowledgeServer } from './server.ts'

describe.each(ONE_DATABASE)('a watched folder on %s', (kind) => {
  let server: KnowledgeServer
  let disk: Awaited<ReturnType<typeof temporaryFolder>>
  let admin: TestClient
  let avee: string
  let root: string
  let tests = 0

  beforeAll(async () => {
    disk = await temporaryFolder()
    server = await openKnowledgeServer(kind, {
      watchFolders: [disk.path],
      limits: { maxUploadBytes: 100_000 },
    })
    admin = (await registerUser(server)).client
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await disk?.[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    avee = (await createAvee(admin)).id
    root = join(disk.path, `test-${(tests += 1)}`)
    await mkdir(root)
  })

  /** Writes a file with an earlier modification time; scans skip files that changed just now. */
  async function put(path: string, text: string | Uint8Array, hoursAgo = 1): Promise<void> {
    const file = join(root, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    const then = Date.now() / 1000 - hoursAgo * 3_600
    await utimes(file, then, then)
  }

  const follow = async (layer = 'friends') =>
    bodyOf(await admin.post<Folder>(`/avees/${avee}/folders`, { path: root, layer }))

  /** Scans until no run is active, and returns the documents by title. */
  async function scanAll(): Promise<Record<string, Document>> {
    for (;;) {
      await server.knowledge.folders.scanNow()
      const { rows } = await running()
      if (rows.length === 0) break
      for (const id of rows) await Array.fromAsync(server.runs.follow(id, 0, server.signal))
    }
    const { documents } = bodyOf(
      await admin.get<{ documents: Document[] }>(`/avees/${avee}/documents?limit=100`),
    )
    return Object.fromEntries(documents.map((document) => [document.title, document]))
  }

  async function running(): Promise<{ rows: string[] }> {
    const rows = await server.database.db
      .selectFrom('runs')
      .select('id')
      .where('scope', '=', avee)
      .where('status', '=', 'running')
      .execute()
    return { rows: rows.map(({ id }) => id) }
  }

  async function countRuns(): Promise<number> {
    const { runs } = await server.database.db
      .selectFrom('runs')
      .select((eb) => eb.fn.countAll<string>().as('runs'))
      .where('scope', '=', avee)
      .executeTakeFirstOrThrow()
    return Number(runs)
  }

  const found = async (query: string) => (await server.find(avee, query)).hits.map(({ title }) => title)

  const listed = async () =>
    bodyOf(await admin.get<{ folders: Folder[]; allowed: string[] }>(`/avees/${avee}/folders`))

  test('has its files as documents, except hidden and unsupported ones', async () => {
    await put('mill.md', 'The mill grinds rye.')
    await put('notes/deep/harbour.md', 'The harbour opens at dawn.')
    await put('.secret.md', 'Not this.')
    await put('.git/config.md', 'Nor this.')
    await put('program.exe', 'MZ')
    await follow()
    const documents = await scanAll()
    expect(Object.keys(documents).toSorted()).toEqual(['harbour', 'mill'])
    expect(documents['harbour']).toMatchObject({
      source: 'folder',
      source_url: null,
      filename: 'harbour.md',
      layer: 'friends',
    })
    expect((await found('When does the harbour open?'))[0]).toBe('harbour')
    expect(await listed()).toMatchObject({
      allowed: [disk.path],
      folders: [{ path: root, documents: 2, failed: [], problem: null, looked_at: expect.any(String) }],
    })
  })

  test('adds no files while the disk is almost full', async () => {
    await put('a.md', '# Mill')
    server.answerDiskLow(async () => true)
    const { id } = await follow()
    expect(await scanAll()).toEqual({})
    const folder = async () =>
      bodyOf(await admin.get<{ folders: Folder[] }>(`/avees/${avee}/folders`)).folders.find(
        (f) => f.id === id,
      )
    expect((await folder())?.problem).toContain('almost full')
    server.answerDiskLow(async () => false)
    expect(Object.keys(await scanAll())).toEqual(['Mill'])
    expect((await folder())?.problem).toBeNull()
  })

  test('syncs changed, deleted and new files', async () => {
    await put('mill.md', 'The mill grinds rye.')
    await put('barn.md', 'The barn holds hay.')
    await follow()
    const before = await scanAll()
    await put('mill.md', 'The mill grinds barley.', 0.5)
    await rm(join(root, 'barn.md'))
    await put('quay.md', 'The quay is of granite.')
    const after = await scanAll()
    expect(Object.keys(after).toSorted()).toEqual(['mill', 'quay'])
    expect(after['mill']?.id).toBe(before['mill']?.id)
    expect(await found('barley')).toEqual(['mill'])
    expect(await found('rye')).toEqual([])
    expect(await found('hay')).toEqual([])
  })

  test('does not read unchanged files again', async () => {
    await put('mill.md', 'The mill grinds rye.')
    await follow()
    const before = await scanAll()
    expect(await scanAll()).toEqual(before)
    expect(await countRuns()).toBe(1)
  })

  test('does not read files again whose run ends during a scan', async () => {
    await put('mill.md', 'The mill grinds rye. '.repeat(4_000))
    await follow()
    await server.knowledge.folders.scanNow()
    server.answerDiskLow(async () => {
      for (const id of (await running()).rows) await Array.fromAsync(server.runs.follow(id, 0, server.signal))
      return false
    })
    await server.knowledge.folders.scanNow()
    server.answerDiskLow(async () => false)
    await scanAll()
    expect(await countRuns()).toBe(1)
  })

  test('has a document for each of several files of the same name', async () => {
    await put('a/readme.md', 'About the mill.')
    await put('b/readme.md', 'About the harbour.')
    await follow()
    const ids = async () => Object.values(await scanAll()).map(({ id }) => id)
    await scanAll()
    expect(await found('mill')).toHaveLength(1)
    expect(await found('harbour')).toHaveLength(1)
    const [before] = await ids()
    await rename(join(root, 'b/readme.md'), join(root, 'b/other.md'))
    await scanAll()
    expect(await found('harbour')).toHaveLength(1)
    expect(await ids()).toContain(before)
  })

  test('has a document for each file, also for files of the same bytes', async () => {
    await put('one.md', 'The mill grinds rye.')
    await put('two.md', 'The mill grinds rye.')
    await put('other.md', 'Something else.')
    await follow()
    expect(Object.keys(await scanAll()).toSorted()).toEqual(['one', 'other', 'two'])
    await rm(join(root, 'one.md'))
    expect(Object.keys(await scanAll()).toSorted()).toEqual(['other', 'two'])
    expect(await found('rye')).toEqual(['two'])
    await rm(join(root, 'two.md'))
    await scanAll()
    expect(await found('rye')).toEqual([])
  })

  test('keeps the content of a copy when the file it was copied from changes', async () => {
    await put('report.md', 'The mill grinds rye.')
    await follow()
    await scanAll()
    await put('archive.md', 'The mill grinds rye.')
    await scanAll()
    await put('report.md', 'The mill grinds barley.', 0.5)
    expect(Object.keys(await scanAll()).toSorted()).toEqual(['archive', 'report'])
    expect(await found('rye')).toEqual(['archive'])
    expect(await found('barley')).toEqual(['report'])
  })

  test('keeps the document of a renamed file, under the new name', async () => {
    await put('draft.md', 'The mill grinds rye.')
    await follow()
    const before = (await scanAll())['draft']
    await rename(join(root, 'draft.md'), join(root, 'windmill.md'))
    const after = (await scanAll())['windmill']
    expect(after).toMatchObject({ id: before?.id, filename: 'windmill.md' })
    await server.jobs.idle(['knowledge.reindex'])
    expect(await found('windmill')).toEqual(['windmill'])
    await put('windmill.md', 'The mill grinds barley.', 0.5)
    expect((await scanAll())['windmill']?.id).toBe(before?.id)
    expect(await found('barley')).toEqual(['windmill'])
  })

  test('does not change uploads of the same name or bytes', async () => {
    await uploadFiles(admin, [{ name: 'mill.md', content: 'The mill grinds rye.' }], {
      avee,
      layer: 'public',
    })
    await put('copy.md', 'The mill grinds rye.')
    await put('mill.md', 'Another mill altogether.')
    await follow()
    await scanAll()
    await rm(join(root, 'copy.md'))
    await scanAll()
    expect((await found('rye')).length).toBe(1)
    expect(await found('altogether')).toEqual(['mill'])
  })

  test('lists files that failed and reads them again when they have changed', async () => {
    await put('broken.pdf', '%PDF-1.7 and nothing that makes sense')
    await put('large.md', 'x'.repeat(200_000))
    await put('mill.md', 'The mill grinds rye.')
    await follow()
    await scanAll()
    expect((await listed()).folders[0]).toMatchObject({
      documents: 1,
      failed: [
        { path: 'broken.pdf', message: expect.stringContaining('damaged') },
        { path: 'large.md', message: expect.stringContaining('MAX_UPLOAD_MB') },
      ],
    })
    await put('large.md', 'Now it is small.', 0.5)
    await scanAll()
    expect((await listed()).folders[0]).toMatchObject({ documents: 2, failed: [{ path: 'broken.pdf' }] })
  })

  test('stores several small files in one transaction, each with its own outcome', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `note-${String(i).padStart(2, '0')}`)
    for (const name of names) await put(`${name}.md`, `${name} is about bees.`)
    await put('note-10-broken.pdf', '%PDF-1.7 and nothing that makes sense')
    await put('note-11-copy.md', 'note-11 is about bees.')
    await follow()
    expect(Object.keys(await scanAll()).toSorted()).toEqual([...names, 'note-11-copy'].toSorted())
    expect((await listed()).folders[0]).toMatchObject({
      documents: names.length + 1,
      failed: [{ path: 'note-10-broken.pdf' }],
    })
    const { rows } = await sql<{ transactions: number }>`
      select count(distinct xmin::text)::int as transactions from all_documents where avee_id = ${avee}`.execute(
      server.database.db,
    )
    expect(rows[0]?.transactions).toBeLessThan(names.length)
    expect(await running()).toEqual({ rows: [] })
    expect((await server.rows())['ingest_files']).toBe(0)
    expect(Object.keys(await scanAll())).toHaveLength(names.length + 1)
    expect(await countRuns()).toBe(1)
  })

  test('keeps its documents while it is missing or empty', async () => {
    await put('mill.md', 'The mill grinds rye.')
    await follow()
    await scanAll()
    await rename(root, `${root}-moved`)
    await scanAll()
    expect((await listed()).folders[0]?.problem).toContain('cannot be read')
    await mkdir(root)
    await scanAll()
    expect((await listed()).folders[0]?.problem).toContain('is empty')
    expect(await found('rye')).toEqual(['mill'])
    await rm(root, { recursive: true })
    await rename(`${root}-moved`, root)
    await scanAll()
    expect((await listed()).folders[0]?.problem).toBeNull()
  })

  test('keeps or deletes its documents when it is no longer watched', async () => {
    await put('mill.md', 'The mill grinds rye.')
    const { id } = await follow()
    await scanAll()
    bodyOf(await admin.delete(`/avees/${avee}/folders/${id}?documents=keep`))
    await rm(join(root, 'mill.md'))
    expect((await scanAll())['mill']).toMatchObject({ source: 'upload' })

    await put('quay.md', 'The quay is of granite.')
    const again = await follow()
    await scanAll()
    bodyOf(await admin.delete(`/avees/${avee}/folders/${again.id}?documents=remove`))
    expect(Object.keys(await scanAll())).toEqual(['mill'])
    expect(await admin.delete(`/avees/${avee}/folders/${again.id}`)).toMatchObject({ status: 404 })
  })

  test('rejects links and paths outside the allowed folders', async () => {
    const outside = await temporaryFolder()
    await outside.write('secret.md', 'The secret.')
    await symlink(outside.path, join(root, 'linked'))
    await symlink(join(outside.path, 'secret.md'), join(root, 'linked.md'))
    await put('mill.md', 'The mill grinds rye.')
    await follow()
    expect(Object.keys(await scanAll())).toEqual(['mill'])
    for (const path of [
      outside.path,
      '/',
      `${root}/../..`,
      join(root, 'linked'),
      'relative',
      `${disk.path}-not`,
    ])
      expect([path, await admin.post(`/avees/${avee}/folders`, { path, layer: 'public' })]).toMatchObject([
        path,
        { status: 422, body: { error: { code: 'folder_not_allowed', details: [{ path: 'path' }] } } },
      ])
    expect(await admin.post(`/avees/${avee}/folders`, { path: root, layer: 'public' })).toMatchObject({
      status: 409,
    })
    await outside[Symbol.asyncDispose]()
  })

  test('can be seen and added by administrators only', async () => {
    const bob = await registerUser(server)
    const own = await createAvee(bob.client)
    for (const id of [own.id, avee]) {
      expect(await bob.client.get(`/avees/${id}/folders`)).toMatchObject({ status: 403 })
      expect(await bob.client.post(`/avees/${id}/folders`, { path: root })).toMatchObject({ status: 403 })
    }
    expect(await admin.post(`/avees/${own.id}/folders`, { path: root })).toMatchObject({
      status: expect.toBeOneOf([403, 404]),
    })
  })
})
