import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import type { IngestResult } from '../../contract/knowledge.ts'
import type { Run } from '../../contract/runs.ts'
import { bodyOf, createAvee, uploadFiles } from '../builders.ts'
import { collectEvents } from '../events.ts'
import { startServer } from '../server-process.ts'
import { type KnowledgeServer, openKnowledgeServer, wordEmbedder } from './server.ts'

const notes = (word: string, count: number) =>
  Array.from({ length: count }, (_, i) => [`${word}-${i}.md`, `The ${word} ${i} eats aphids.`] as const)

type Avee = Awaited<ReturnType<KnowledgeServer['newAvee']>>

/** Opens a server with one document, so that its parser process has started. */
async function openWarmServer(
  options: Parameters<typeof openKnowledgeServer>[1] = {},
): Promise<KnowledgeServer> {
  const server = await openKnowledgeServer('embedded', options)
  await server.ingest(await server.newAvee(), { 'first.md': 'First.' })
  return server
}

/** Uploads each file on its own, all at once; returns the result of each. */
async function uploadEach(server: KnowledgeServer, to: Avee, files: (readonly [string, string])[]) {
  const results = await Promise.all(
    files.map(([name, content]) => server.ingest({ ...to, layer: 'public' }, { [name]: content })),
  )
  return results.map(([result]) => result)
}

const succeeded = (results: (IngestResult | undefined)[]) => results.map((result) => result?.success)

describe('uploads of one file that arrive together', () => {
  test('share statements, and each owner finds their own documents and words only', async () => {
    await using server = await openWarmServer()
    const [ada, eve] = [await server.newAvee(), await server.newAvee()]
    const query = vi.spyOn(pg.Client.prototype, 'query')
    const results = await Promise.all([
      uploadEach(server, ada, notes('wasp', 6)),
      uploadEach(server, eve, notes('hornet', 6)),
    ])
    const insertions = query.mock.calls.filter(([statement]) =>
      JSON.stringify(statement).includes('added_documents'),
    )
    query.mockRestore()
    expect(insertions.length).toBeLessThan(12)
    expect(results.flatMap(succeeded)).toEqual(Array.from({ length: 12 }, () => true))
    for (const [own, word, foreign] of [
      [ada, 'wasp', 'hornet'],
      [eve, 'hornet', 'wasp'],
    ] as const) {
      expect(await server.knowledge.count(own.aveeId)).toBe(6)
      const { hits } = await server.find(own.aveeId, word)
      expect(new Set(hits.map(({ filename }) => filename))).toEqual(
        new Set(notes(word, 6).map(([name]) => name)),
      )
      expect((await server.find(own.aveeId, foreign)).hits).toEqual([])
      const { rows } = await sql<{ word: string; passages: number }>`
        select word, passages from passage_terms where avee_id = ${own.aveeId} and word in ('wasp', 'hornet')`.execute(
        server.database.db,
      )
      expect(rows).toEqual([{ word, passages: 6 }])
    }
    expect(await server.rows()).toMatchObject({ documents: 13, document_versions: 13, ingest_files: 0 })
  })

  test('have totals of documents as if they had come one after the other', async () => {
    await using server = await openWarmServer()
    const ada = await server.newAvee()
    const target = { ...ada, layer: 'public' as const, usualLayer: 'public' as const }
    const runs = await Promise.all(
      notes('bee', 5).map(async ([filename, content]) => {
        const staged = await server.knowledge.staging.stage([Buffer.from(content)])
        return await server.knowledge.ingest(target, [{ filename, staged }])
      }),
    )
    const totals = await Promise.all(
      runs.map(async ({ id }) => {
        const events = (await Array.fromAsync(server.runs.follow(id, 0, server.signal))).flat()
        return (JSON.parse(events.at(-1)?.data ?? '') as { total_documents: number }).total_documents
      }),
    )
    expect(new Set(totals)).toEqual(new Set([1, 2, 3, 4, 5]))
  })

  test('never exceed the quota of their owner together', async () => {
    await using server = await openWarmServer({ limits: { quotaBytes: 100 } })
    const ada = await server.newAvee()
    const files = notes('bee', 4).map(([name, content]) => [name, content.padEnd(45, '!')] as const)
    const results = await uploadEach(server, ada, files)
    expect(succeeded(results).filter(Boolean)).toHaveLength(2)
    for (const result of results.filter((each) => !each?.success))
      expect(result).toMatchObject({ success: false, code: 'quota_exceeded' })
    expect(await server.knowledge.count(ada.aveeId)).toBe(2)
  })

  test('fail alone when the database rejects one of them', async () => {
    await using server = await openWarmServer()
    const embedder = wordEmbedder('test/words')
    server.useEmbedder({
      ...embedder,
      async embed(texts, ...rest) {
        const vectors = await embedder.embed(texts, ...rest)
        return texts[0]?.includes('bee 2') ? vectors.map((vector) => vector.map(() => Number.NaN)) : vectors
      },
    })
    const ada = await server.newAvee()
    const results = await uploadEach(server, ada, notes('bee', 6))
    expect(succeeded(results)).toEqual([true, true, undefined, true, true, true])
    const { rows } = await sql<{ status: string; count: number }>`
      select status, count(*)::int as count from runs group by status order by status`.execute(
      server.database.db,
    )
    expect(rows).toEqual([
      { status: 'complete', count: 6 },
      { status: 'failed', count: 1 },
    ])
    expect(await server.rows()).toMatchObject({ documents: 6, document_versions: 6, ingest_files: 0 })
  })

  test('end once each when one is stopped', async () => {
    await using server = await openWarmServer()
    const ada = await server.newAvee()
    const target = { ...ada, layer: 'public' as const, usualLayer: 'public' as const }
    const runs = await Promise.all(
      notes('bee', 6).map(async ([filename, content], i) => {
        const staged = await server.knowledge.staging.stage([Buffer.from(content)])
        const run = await server.knowledge.ingest(target, [{ filename, staged }])
        if (i === 2) await server.runs.stop(run.id)
        return run
      }),
    )
    let stored = 0
    for (const [i, { id }] of runs.entries()) {
      const events = (await Array.fromAsync(server.runs.follow(id, 0, server.signal))).flat()
      const bodies = events.map(({ data }) => JSON.parse(data) as Record<string, unknown>)
      const results = bodies.filter(({ result }) => result !== undefined)
      const isStopped = bodies.at(-1)?.['event'] === 'stopped'
      expect(results).toHaveLength(isStopped ? 0 : 1)
      if (i !== 2) expect(isStopped).toBe(false)
      stored += results.length
    }
    expect(await server.rows()).toMatchObject({
      documents: 1 + stored,
      document_versions: 1 + stored,
      ingest_files: 0,
    })
  })

  test('are stored once each after the server was killed', async () => {
    await using server = await startServer({}, 'embedded')
    const { id: avee } = await createAvee(server, { handle: 'killed', display_name: 'Killed' })
    let answered = 0
    const enough = Promise.withResolvers<void>()
    const uploads = notes('bee', 24).map(async ([name, content]) => {
      await uploadFiles(server, [{ name, content }], { avee, layer: 'public' })
      answered += 1
      if (answered === 3) enough.resolve()
    })
    const ended = Promise.allSettled(uploads)
    await enough.promise
    await server.kill()
    await ended
    await server.restart()
    const { runs } = bodyOf(await server.get<{ runs: Run[] }>('/runs?limit=100'))
    expect(runs.length).toBeGreaterThanOrEqual(answered)
    const filenames: string[] = []
    for (const { id } of runs) {
      const events = await collectEvents(await server.fetch(`/runs/${id}/events`))
      expect(events.map((event) => event.id)).toEqual(events.map((_, i) => i + 1))
      const results = events.flatMap(({ data }) => (data['result'] ? [data['result'] as IngestResult] : []))
      expect(results).toMatchObject([{ success: true }])
      expect(results[0]?.duplicate).toBeUndefined()
      expect(events.at(-1)?.data).toMatchObject({ done: true })
      filenames.push(results[0]?.filename ?? '')
    }
    const { documents } = bodyOf(
      await server.get<{ documents: { filename: string }[] }>(`/avees/${avee}/documents?limit=100`),
    )
    expect(documents.map(({ filename }) => filename).toSorted()).toEqual(filenames.toSorted())
  })
})
