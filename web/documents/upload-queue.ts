import { createDocuments, type Document } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { listRuns, stopRun } from '../../contract/runs.ts'
import {
  ApiError,
  type Client,
  type Ingest,
  ingestFold,
  type RunHub,
  runIdOf,
  sendOnce,
  uploadFile,
} from '../api/index.ts'

/** Something on its way into an avee's documents: a file, a text, an address, or a run found after a reload. */
export type Upload = {
  id: number
  /** Undefined for a run whose avee is not known. */
  aveeId: string | undefined
  name: string
  phase: 'waiting' | 'sending' | 'reading' | 'done' | 'failed' | 'stopped'
  /** 0 to 1 of the bytes sent. */
  sent: number
  runId: string | undefined
  /** What the server has told since it has the file. */
  ingest: Ingest | undefined
  /** What it became, where the server tells at once. */
  document: Document | undefined
  /** Why it failed. */
  error: string | undefined
  /** Whether it can be sent again: not after a reload, when the file is no longer at hand. */
  canRetry: boolean
}

/** A file becomes a run, whose events tell the rest; a text or an address is a document when the answer comes. */
type Sent = { runId: string } | { document: Document }
type Send = (upload: Upload, signal: AbortSignal) => Promise<Sent>
type Entry = { upload: Upload; send: Send | undefined; abort: AbortController; unfollow?: () => void }

/** Few at a time, as a browser opens only six connections to one server. */
const atOnce = 2

export type UploadQueue = ReturnType<typeof createUploadQueue>

/**
 * Everything on its way into documents, for the whole page: it goes on while one looks at something else, and runs of
 * the time before a reload are found again. `onChanged` is called whenever documents have come in, and `schedule` says
 * when observers are told: a page does so once per frame.
 */
export function createUploadQueue({
  api,
  hub,
  onChanged,
  schedule = (callback) => callback(),
}: {
  api: Client
  hub: RunHub
  onChanged: () => void
  schedule?: (callback: () => void) => void
}) {
  let entries: Entry[] = []
  let snapshot: readonly Upload[] | undefined = []
  let isScheduled = false
  let lastId = 0
  const listeners = new Set<() => void>()

  const getSnapshot = (): readonly Upload[] => {
    snapshot ??= entries.map((entry) => entry.upload)
    return snapshot
  }

  const publish = (): void => {
    snapshot = undefined
    if (isScheduled) return
    isScheduled = true
    schedule(() => {
      isScheduled = false
      for (const listener of listeners) listener()
    })
  }

  const change = (entry: Entry, changes: Partial<Upload>): void => {
    entry.upload = { ...entry.upload, ...changes }
    publish()
  }

  const enter = (aveeId: string | undefined, name: string, send: Send | undefined, runId?: string): Entry => {
    lastId += 1
    const upload: Upload = {
      id: lastId,
      aveeId,
      name,
      phase: 'waiting',
      sent: 0,
      runId,
      ingest: undefined,
      document: undefined,
      error: undefined,
      canRetry: send !== undefined,
    }
    const entry = { upload, send, abort: new AbortController() }
    entries = [...entries, entry]
    return entry
  }

  const pump = (): void => {
    const busy = entries.filter(
      ({ upload }) => upload.phase === 'sending' || upload.phase === 'reading',
    ).length
    for (const entry of entries
      .filter(({ upload }) => upload.phase === 'waiting')
      .slice(0, Math.max(0, atOnce - busy)))
      void begin(entry)
  }

  const begin = async (entry: Entry): Promise<void> => {
    if (!entry.send) return
    change(entry, { phase: 'sending' })
    try {
      const sent = await entry.send(entry.upload, entry.abort.signal)
      if ('runId' in sent) {
        change(entry, { runId: sent.runId, phase: 'reading', sent: 1 })
        follow(entry, sent.runId)
      } else {
        change(entry, { document: sent.document, phase: 'done', sent: 1 })
        onChanged()
        pump()
      }
    } catch (error) {
      if (entry.abort.signal.aborted) change(entry, { phase: 'stopped' })
      else
        change(entry, {
          phase: 'failed',
          error: error instanceof ApiError ? error.message : 'The upload failed.',
        })
      pump()
    }
  }

  const follow = (entry: Entry, runId: string): void => {
    const store = hub.follow(runId, ingestFold)
    const read = (): void => {
      const { value, connection, error } = store.getSnapshot()
      change(entry, {
        ingest: value,
        ...outcome(value, connection === 'refused' ? (error?.message ?? '') : undefined),
      })
      if (entry.upload.phase === 'reading') return
      entry.unfollow?.()
      onChanged()
      pump()
    }
    entry.unfollow = store.subscribe(read)
    read()
  }

  const find = (id: number): Entry | undefined => entries.find((entry) => entry.upload.id === id)

  return {
    getSnapshot,
    subscribe: (listener: () => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },

    /** Sends files, one request each, so that one that fails or is stopped leaves the others alone. */
    addFiles(aveeId: string, files: readonly File[], layer: Layer): void {
      for (const file of files) {
        enter(aveeId, file.name, async ({ id }, signal) => {
          const onProgress = (sent: number): void => {
            const entry = find(id)
            if (entry?.upload.phase === 'sending') change(entry, { sent })
          }
          const url = api.url(createDocuments, { params: { id: aveeId } })
          return { runId: await uploadFile(url, file, { layer }, { signal, onProgress }) }
        })
      }
      publish()
      pump()
    },

    /** Sends a text or an address. */
    add(aveeId: string, name: string, request: (idempotencyKey: string) => Promise<Document>): void {
      enter(aveeId, name, async () => ({ document: await sendOnce(request) }))
      publish()
      pump()
    },

    /** Sends what becomes a run of many documents: a website. */
    addRun(aveeId: string, name: string, request: (idempotencyKey: string) => Promise<Response>): void {
      enter(aveeId, name, async () => {
        const response = await sendOnce(request)
        const runId = runIdOf(response)
        await response.body?.cancel()
        return { runId }
      })
      publish()
      pump()
    },

    /** Finds what was under way before this page was opened. */
    async resume(): Promise<void> {
      const { runs } = await api.call(listRuns, { query: { status: 'running' } })
      for (const run of runs) {
        if (run.kind !== 'ingest' || entries.some(({ upload }) => upload.runId === run.id)) continue
        const entry = enter(run.scope ?? undefined, '', undefined, run.id)
        change(entry, { phase: 'reading', sent: 1 })
        follow(entry, run.id)
      }
    },

    retry(id: number): void {
      const entry = find(id)
      if (!entry?.send) return
      entry.abort = new AbortController()
      change(entry, { phase: 'waiting', sent: 0, runId: undefined, ingest: undefined, error: undefined })
      pump()
    },

    /** Stops it wherever it is; what was stored of it is taken back by the server. */
    async stop(id: number): Promise<void> {
      const entry = find(id)
      if (!entry) return
      entry.abort.abort()
      if (entry.upload.runId) await api.call(stopRun, { params: { id: entry.upload.runId } })
      else change(entry, { phase: 'stopped' })
      pump()
    },

    dismiss(id: number): void {
      entries = entries.filter((entry) => entry.upload.id !== id)
      publish()
    },

    dismissFinished(): void {
      entries = entries.filter(({ upload }) => isInProgress(upload))
      publish()
    },

    /** Forgets those of an avee that came in well. */
    dismissReady(aveeId: string): void {
      entries = entries.filter(({ upload }) => upload.aveeId !== aveeId || upload.phase !== 'done')
      publish()
    },

    /** Resolves when nothing of this avee is under way. */
    whenIdle(aveeId: string): Promise<void> {
      const isIdle = (): boolean =>
        !getSnapshot().some((upload) => upload.aveeId === aveeId && isInProgress(upload))
      if (isIdle()) return Promise.resolve()
      return new Promise((resolve) => {
        const look = (): void => {
          if (!isIdle()) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
      })
    },
  }
}

export const isInProgress = (upload: Upload): boolean =>
  upload.phase === 'waiting' || upload.phase === 'sending' || upload.phase === 'reading'

/** Where a run's story leaves the upload. `refused` is the sentence of a run that cannot be read. */
function outcome(ingest: Ingest, refused: string | undefined): Partial<Upload> {
  if (refused !== undefined) return { phase: 'failed', error: refused || 'Its progress cannot be read.' }
  switch (ingest.phase) {
    case 'running':
      return { phase: 'reading' }
    case 'stopped':
      return { phase: 'stopped' }
    case 'failed':
      return { phase: 'failed', error: ingest.error?.message ?? 'It failed.' }
    case 'done': {
      const results = ingest.files.flatMap((file) => (file.result ? [file.result] : []))
      const bad = results.filter((result) => !result.success)
      return bad.length > 0 && bad.length === results.length
        ? { phase: 'failed', error: bad[0]?.message }
        : { phase: 'done' }
    }
  }
}
