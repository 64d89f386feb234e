import { expect, test } from 'vitest'
import type { Document } from '../../contract/knowledge.ts'
import type { Operation } from '../../contract/operation.ts'
import { listRuns } from '../../contract/runs.ts'
import { ApiError, type Client, createRunHub } from '../api/index.ts'
import { createUploadQueue } from './upload-queue.ts'

const frames = (events: object[]): string =>
  events.map((event, i) => `data: ${JSON.stringify(event)}\nid: ${i + 1}\n\n`).join('')

/** Creates a queue on a stub of the API whose runs send the given events. */
function createTestQueue({
  events = {},
  running = [],
}: {
  events?: Record<string, object[]>
  running?: object[]
}) {
  const stopped: string[] = []
  const client = {
    open: async (_operation: Operation, { params }: { params: { id: string } }) =>
      new Response(frames(events[params.id] ?? [])),
    call: async (operation: Operation, { params }: { params: { id: string } }) =>
      operation === listRuns ? { runs: running } : stopped.push(params.id),
  } as unknown as Client
  let changes = 0
  const hub = createRunHub(client, { keepMs: 0, reader: { onWake: () => () => undefined } })
  const uploads = createUploadQueue({ api: client, hub, onChanged: () => void (changes += 1) })
  return { uploads, stopped, changes: () => changes }
}

const document = { pages: 2, passages: 9 } as Document

test('sends at most two uploads at a time', async () => {
  const { uploads } = createTestQueue({})
  const release: (() => void)[] = []
  for (const name of ['a', 'b', 'c'])
    uploads.add('avee', name, () => new Promise((resolve) => release.push(() => resolve(document))))
  const phases = () => uploads.getSnapshot().map((upload) => upload.phase)
  expect(phases()).toEqual(['sending', 'sending', 'waiting'])
  release[0]?.()
  await expect.poll(phases).toEqual(['done', 'sending', 'sending'])
  const idle = uploads.whenIdle('avee')
  release[1]?.()
  release[2]?.()
  await idle
  expect(phases()).toEqual(['done', 'done', 'done'])
  uploads.dismissReady('other')
  expect(phases()).toHaveLength(3)
  uploads.dismissReady('avee')
  expect(phases()).toEqual([])
})

test('keeps the error of a refused upload and sends it again on retry', async () => {
  const { uploads, changes } = createTestQueue({})
  let calls = 0
  uploads.add('avee', 'page', async () => {
    calls += 1
    if (calls === 1) throw new ApiError(502, 'not_reached', 'The page cannot be reached.')
    return document
  })
  await uploads.whenIdle('avee')
  const [failed] = uploads.getSnapshot()
  expect(failed).toMatchObject({ phase: 'failed', error: 'The page cannot be reached.', canRetry: true })
  uploads.retry(failed?.id ?? 0)
  await uploads.whenIdle('avee')
  expect(uploads.getSnapshot()[0]).toMatchObject({ phase: 'done', error: undefined, document })
  expect(changes()).toBe(1)
})

test('follows the runs started before a page reload to their end', async () => {
  const { uploads, changes, stopped } = createTestQueue({
    running: [
      { id: 'one', kind: 'ingest', scope: 'avee' },
      { id: 'two', kind: 'ingest', scope: 'avee' },
      { id: 'three', kind: 'chat', scope: 'avee' },
    ],
    events: {
      one: [
        { message: 'Processing a.pdf...', file: 'a.pdf' },
        { result: { success: true, filename: 'a.pdf', message: 'ok' } },
        { done: true, total_documents: 1 },
      ],
      two: [
        { result: { success: false, filename: 'b.pdf', message: 'It is encrypted.' } },
        { done: true, total_documents: 1 },
      ],
    },
  })
  await uploads.resume()
  await uploads.resume()
  await uploads.whenIdle('avee')
  expect(uploads.getSnapshot()).toMatchObject([
    { aveeId: 'avee', runId: 'one', phase: 'done', canRetry: false },
    { aveeId: 'avee', runId: 'two', phase: 'failed', error: 'It is encrypted.' },
  ])
  expect(changes()).toBe(2)
  expect(stopped).toEqual([])
})

test('stops all uploads and starts none of those that wait', async () => {
  const { uploads, stopped } = createTestQueue({ running: [{ id: 'one', kind: 'ingest', scope: 'avee' }] })
  await uploads.resume()
  const sent: string[] = []
  for (const name of ['a', 'b', 'c'])
    uploads.add('avee', name, () => {
      sent.push(name)
      return new Promise(() => undefined)
    })
  await uploads.stopAll()
  expect(uploads.getSnapshot().slice(1)).toMatchObject([
    { phase: 'stopped' },
    { phase: 'stopped' },
    { phase: 'stopped' },
  ])
  expect(stopped).toEqual(['one'])
  expect(sent).toEqual(['a'])
})

test('stops the run of an upload, or only the request while there is no run', async () => {
  const { uploads, stopped } = createTestQueue({ running: [{ id: 'one', kind: 'ingest', scope: 'avee' }] })
  await uploads.resume()
  await uploads.stop(uploads.getSnapshot()[0]?.id ?? 0)
  expect(stopped).toEqual(['one'])
  uploads.add('avee', 'text', () => new Promise(() => undefined))
  const last = uploads.getSnapshot().at(-1)
  await uploads.stop(last?.id ?? 0)
  expect(uploads.getSnapshot().at(-1)?.phase).toBe('stopped')
  expect(stopped).toEqual(['one'])
})
