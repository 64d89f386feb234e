import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { ErrorResponse } from '../../contract/common.ts'
import type { IngestResult } from '../../contract/knowledge.ts'
import type { Run } from '../../contract/runs.ts'
import { ONE_DATABASE } from '../databases.ts'
import { collectEvents, type ReceivedEvent, readEvents } from '../events.ts'
import { temporaryFolder } from '../files/folder.ts'
import { startServer } from '../server-process.ts'
import { openKnowledgeServer, post, uploadForm } from './server.ts'

const words = 'harbour lantern granite willow copper saddle violin meadow anchor thistle candle marble'.split(
  ' ',
)
/** A text of many passages, which takes some time to ingest. */
const long = (name: string, paragraphs: number) =>
  Array.from(
    { length: paragraphs },
    (_, i) =>
      `Paragraph ${i} of ${name}. ${Array.from({ length: 70 }, (_, k) => words[(i * 7 + k * 5) % words.length]).join(' ')}.`,
  ).join('\n\n')

const resultsOf = (events: ReceivedEvent[]) =>
  events.flatMap(({ data }) => (data['result'] ? [data['result'] as IngestResult] : []))

describe.each(ONE_DATABASE)('an upload on %s', (kind) => {
  test('continues after the server was killed, with no file or passage stored twice or left over', async () => {
    await using temporary = await temporaryFolder()
    await using server = await startServer({ TMPDIR: temporary.path }, kind)
    const parserFolders = async () =>
      (await readdir(temporary.path)).filter((name) => name.startsWith('gabee-parser-'))
    const small = Array.from({ length: 10 }, (_, i) => ({
      name: `small-${i}.txt`,
      content: long(`small ${i}`, 1),
    }))
    const files = [
      ...small,
      { name: 'first.txt', content: long('first', 20) },
      { name: 'second.txt', content: long('second', 300) },
      { name: 'third.txt', content: long('third', 20) },
    ]
    const response = await post(server, '/api/documents/upload', uploadForm(files))
    const runId = response.headers.get('x-run-id')
    const before: ReceivedEvent[] = []
    for await (const event of readEvents(response)) {
      before.push(event)
      const { stage, file, completed } = event.data
      if (stage === 'store' && file === 'second.txt' && Number(completed) > 0) break
    }
    expect(resultsOf(before)).toHaveLength(small.length + 1)
    await server.kill()
    const [abandoned] = await parserFolders()
    expect(abandoned).toBeDefined()
    await server.restart()
    expect(await parserFolders()).not.toContain(abandoned)

    const after = await collectEvents(
      await server.fetch(`/runs/${runId}/events`, { headers: { 'last-event-id': `${before.at(-1)?.id}` } }),
    )
    expect(after.map((event) => event.id)).toEqual(after.map((_, i) => before.length + 1 + i))
    expect(after.map((event) => event.data)).toContainEqual({ event: 'resumed', attempt: 2 })
    expect(after.at(-1)?.data).toEqual({ done: true, total_documents: files.length })
    const results = resultsOf([...before, ...after])
    expect(results).toMatchObject(files.map(({ name }) => ({ success: true, filename: name })))
    for (const { duplicate, replaced } of results)
      expect([duplicate, replaced]).toEqual([undefined, undefined])

    for (const { doc_id, chunks } of results) {
      const passages = []
      for (let n = 1; n <= (chunks ?? 0); n++) {
        const { status, body } = await server.get<{ start: number; end: number }>(
          `/documents/${doc_id}/passages/${n}`,
        )
        expect(status).toBe(200)
        passages.push(body)
      }
      // Each passage starts where the previous one ends: none is missing or repeated.
      for (const [i, { start }] of passages.entries()) expect(start).toBe(i === 0 ? 0 : passages[i - 1]?.end)
      expect((await server.get(`/documents/${doc_id}/passages/${(chunks ?? 0) + 1}`)).status).toBe(404)
    }
    const stats = await server.get<{ chunk_count: number }>('/api/documents/stats')
    expect(stats.body.chunk_count).toBe(results.reduce((sum, { chunks }) => sum + (chunks ?? 0), 0))
  })

  test('says that it continues after a shutdown, and does', async () => {
    await using server = await startServer({ SHUTDOWN_GRACE_MS: '0' }, kind)
    const body = { title: 'Long', text: long('text', 300), layer: 'public' }
    const posted = server.post<ErrorResponse>('/avees/local/documents', body)
    let run: Run | undefined
    await expect
      .poll(async () => {
        ;[run] = (await server.get<{ runs: Run[] }>('/runs?status=running')).body.runs
        return run
      })
      .toBeDefined()
    expect(await server.stop()).toBe(0)
    const { status, body: refused } = await posted
    expect(status).toBe(503)
    expect(refused.error).toMatchObject({ code: 'ingest_unfinished', details: { run_id: run?.id } })
    expect(refused.error.message).toContain('continues the import')

    await server.restart()
    const events = await collectEvents(await server.fetch(`/runs/${run?.id}/events`))
    expect(resultsOf(events)).toMatchObject([{ success: true }])
    expect(events.at(-1)?.data).toEqual({ done: true, total_documents: 1 })
  })

  test('keeps the finished documents and nothing else when it is stopped', async () => {
    await using server = await openKnowledgeServer(kind)
    const ada = await server.newAvee()
    const staged = async (filename: string, content: string) => ({
      filename,
      staged: await server.knowledge.staging.stage([Buffer.from(content)]),
    })
    const run = await server.knowledge.ingest({ ...ada, layer: null, usualLayer: 'public' }, [
      await staged('first.txt', long('first', 5)),
      await staged('second.txt', long('second', 900)),
      await staged('third.txt', long('third', 5)),
    ])
    const events: Record<string, unknown>[] = []
    for await (const batch of server.runs.follow(run.id, 0, server.signal)) {
      for (const { data } of batch) {
        const event = JSON.parse(data) as Record<string, unknown>
        events.push(event)
        if (event['stage'] === 'store' && event['file'] === 'second.txt') void server.runs.stop(run.id)
      }
    }
    expect(events.at(-1)).toEqual({ event: 'stopped', done: true, total_documents: 1 })
    const { hits } = await server.find(ada.aveeId, 'harbour lantern')
    expect(new Set(hits.map((hit) => hit.filename))).toEqual(new Set(['first.txt']))
    const { documents } = await server.knowledge.list(ada.aveeId, ['public'], { limit: 10 })
    const rows = await server.rows()
    expect(rows).toMatchObject({
      documents: 1,
      document_versions: 1,
      ingest_files: 0,
      passages: documents[0]?.passages,
    })
    expect(await server.originals()).toEqual([`files/${documents[0]?.sha256}`])
  })

  test('becomes visible as a whole, also when it replaces another document', async () => {
    await using server = await openKnowledgeServer(kind)
    const ada = await server.newAvee()
    await server.ingest(ada, { 'tale.txt': `The old tale. ${long('tale', 3)}` })
    const replacing = server.ingest(ada, { 'tale.txt': `The new tale. ${long('tale', 300)}` })
    const seen = new Set<string>()
    let going = true
    void replacing.finally(() => (going = false))
    while (going) {
      const { hits } = await server.find(ada.aveeId, 'tale paragraph harbour')
      const versions = new Set(hits.map((hit) => hit.documentId))
      expect(versions.size).toBe(1)
      const { documents } = await server.knowledge.list(ada.aveeId, ['public'], { limit: 10 })
      for (const document of documents) seen.add(`${document.id} ${document.passages}`)
    }
    const [result] = await replacing
    expect(result).toMatchObject({ replaced: true })
    expect(seen.size).toBeLessThanOrEqual(2)
    expect(await server.rows()).toMatchObject({ document_versions: 1, passages: result?.chunks })
  })
})
