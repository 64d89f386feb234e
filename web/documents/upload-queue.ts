import { createAttachments } from '../../contract/attachments.ts'
import { createDocuments, type Document, type IngestResult } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { listRuns, stopRun } from '../../contract/runs.ts'
import {
  ApiError,
  type Client,
  errorText,
  type Ingest,
  ingestFold,
  type RunHub,
  runIdOf,
  sendOnce,
  uploadFile,
} from '../api/index.ts'
import { t } from '../languages/index.ts'

/** An upload: a file, a text, a web address, or a run resumed after a page reload. */
export type Upload = {
  id: number
  /** The id of the conversation for an attachment; undefined for a resumed run whose avee is unknown. */
  aveeId: string | undefined
  name: string
  phase: 'waiting' | 'sending' | 'processing' | 'done' | 'failed' | 'stopped'
  /** The share of bytes sent, from 0 to 1. */
  sent: number
  runId: string | undefined
  /** Progress reported by the server once it has the file. */
  ingest: Ingest | undefined
  /** The document, if the server's response contains it. */
  document: Document | undefined
  /** The error message of a failed upload. */
  error: string | undefined
  /** False for a resumed run: the file is not available after a page reload. */
  canRetry: boolean
}

/** Files and sites are processed by a run that reports progress; the response for a text or page is the document. */
type SendResult = { runId: string } | { document: Document }
type Send = (upload: Upload, signal: AbortSignal) => Promise<SendResult>
type Entry = { upload: Upload; send: Send | undefined; abort: AbortController; unsubscribe?: () => void }

/**
 * The maximum number of simultaneous uploads. Browsers open only six HTTP/1.1 connections per host, and the page needs
 * some for other requests.
 */
const maxConcurrentUploads = 2

export type UploadQueue = ReturnType<typeof createUploadQueue>

/**
 * Creates the upload queue of the page. Uploads continue when the user opens another screen, and `resume` finds runs
 * started before a page reload. `onChanged` is called whenever documents were added; `schedule` defers notifications,
 * for example to once per frame.
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

  const addEntry = (
    aveeId: string | undefined,
    name: string,
    send: Send | undefined,
    runId?: string,
  ): Entry => {
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

  const startNext = (): void => {
    const active = entries.filter(
      ({ upload }) => upload.phase === 'sending' || upload.phase === 'processing',
    ).length
    for (const entry of entries
      .filter(({ upload }) => upload.phase === 'waiting')
      .slice(0, Math.max(0, maxConcurrentUploads - active)))
      void start(entry)
  }

  const start = async (entry: Entry): Promise<void> => {
    if (!entry.send) return
    change(entry, { phase: 'sending' })
    try {
      const result = await entry.send(entry.upload, entry.abort.signal)
      if ('runId' in result) {
        change(entry, { runId: result.runId, phase: 'processing', sent: 1 })
        follow(entry, result.runId)
      } else {
        change(entry, { document: result.document, phase: 'done', sent: 1 })
        onChanged()
        startNext()
      }
    } catch (error) {
      if (entry.abort.signal.aborted) change(entry, { phase: 'stopped' })
      else
        change(entry, {
          phase: 'failed',
          error: error instanceof ApiError ? error.message : t('Upload failed.'),
        })
      startNext()
    }
  }

  const follow = (entry: Entry, runId: string): void => {
    const store = hub.follow(runId, ingestFold)
    const update = (): void => {
      const { value, connection, error } = store.getSnapshot()
      change(entry, {
        ingest: value,
        ...outcome(value, connection === 'refused' ? (error?.message ?? '') : undefined),
      })
      if (entry.upload.phase === 'processing') return
      entry.unsubscribe?.()
      onChanged()
      startNext()
    }
    entry.unsubscribe = store.subscribe(update)
    update()
  }

  const sendFiles = (
    aveeId: string,
    files: readonly File[],
    url: string,
    fields: Record<string, string>,
  ): void => {
    for (const file of files) {
      addEntry(aveeId, file.name, async ({ id }, signal) => {
        const onProgress = (sent: number): void => {
          const entry = find(id)
          if (entry?.upload.phase === 'sending') change(entry, { sent })
        }
        return { runId: await uploadFile(url, file, fields, { signal, onProgress }) }
      })
    }
    publish()
    startNext()
  }

  const find = (id: number): Entry | undefined => entries.find((entry) => entry.upload.id === id)

  return {
    getSnapshot,
    subscribe: (listener: () => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },

    /** Uploads each file in a separate request, so that a failed or stopped one does not affect the others. */
    addFiles(aveeId: string, files: readonly File[], layer: Layer): void {
      sendFiles(aveeId, files, api.url(createDocuments, { params: { id: aveeId } }), { layer })
    },

    /** Attaches files to a conversation, each in a separate request. */
    attachFiles(conversationId: string, files: readonly File[]): void {
      sendFiles(conversationId, files, api.url(createAttachments, {}), { conversation_id: conversationId })
    },

    /** Adds a document from a text or a web page. */
    add(aveeId: string, name: string, request: (idempotencyKey: string) => Promise<Document>): void {
      addEntry(aveeId, name, async () => ({ document: await sendOnce(request) }))
      publish()
      startNext()
    },

    /** Adds a site, whose run creates many documents. */
    addRun(aveeId: string, name: string, request: (idempotencyKey: string) => Promise<Response>): void {
      addEntry(aveeId, name, async () => {
        const response = await sendOnce(request)
        const runId = runIdOf(response)
        await response.body?.cancel()
        return { runId }
      })
      publish()
      startNext()
    },

    /** Follows the runs that were started before the page was loaded. */
    async resume(): Promise<void> {
      const { runs } = await api.call(listRuns, { query: { status: 'running' } })
      for (const run of runs) {
        if (run.kind !== 'ingest' || entries.some(({ upload }) => upload.runId === run.id)) continue
        const entry = addEntry(run.scope ?? undefined, '', undefined, run.id)
        change(entry, { phase: 'processing', sent: 1 })
        follow(entry, run.id)
      }
    },

    retry(id: number): void {
      const entry = find(id)
      if (!entry?.send) return
      entry.abort = new AbortController()
      change(entry, { phase: 'waiting', sent: 0, runId: undefined, ingest: undefined, error: undefined })
      startNext()
    },

    /** Stops an upload. The server deletes what it has already stored of it. */
    async stop(id: number): Promise<void> {
      const entry = find(id)
      if (!entry) return
      entry.abort.abort()
      if (entry.upload.runId) await api.call(stopRun, { params: { id: entry.upload.runId } })
      else change(entry, { phase: 'stopped' })
      startNext()
    },

    /** Stops all uploads that are not finished. */
    async stopAll(): Promise<void> {
      const running = entries.filter(({ upload }) => isInProgress(upload))
      // Stops waiting uploads first, so that none of them starts.
      for (const entry of running) if (entry.upload.phase === 'waiting') change(entry, { phase: 'stopped' })
      await Promise.all(
        running.filter((entry) => isInProgress(entry.upload)).map((entry) => this.stop(entry.upload.id)),
      )
    },

    dismiss(id: number): void {
      entries = entries.filter((entry) => entry.upload.id !== id)
      publish()
    },

    dismissFinished(): void {
      entries = entries.filter(({ upload }) => isInProgress(upload))
      publish()
    },

    /** Dismisses an avee's successful uploads. */
    dismissReady(aveeId: string): void {
      entries = entries.filter(({ upload }) => upload.aveeId !== aveeId || upload.phase !== 'done')
      publish()
    },

    /** Resolves when no upload of this avee is in progress. */
    whenIdle(aveeId: string): Promise<void> {
      const isIdle = (): boolean =>
        !getSnapshot().some((upload) => upload.aveeId === aveeId && isInProgress(upload))
      if (isIdle()) return Promise.resolve()
      return new Promise((resolve) => {
        const check = (): void => {
          if (!isIdle()) return
          listeners.delete(check)
          resolve()
        }
        listeners.add(check)
      })
    },
  }
}

/** Returns the id of the document created by an upload of one file. */
export const documentOf = ({ document, ingest }: Upload): string | undefined =>
  document?.id ?? ingest?.files[0]?.result?.doc_id

export const isInProgress = (upload: Upload): boolean =>
  upload.phase === 'waiting' || upload.phase === 'sending' || upload.phase === 'processing'

/** Returns the server's message about a file, translated if it failed for a known reason. */
export const resultText = ({ code, message }: IngestResult): string =>
  code === undefined ? message : errorText({ code, message })

/** Returns the state of an upload after its run. `refused` is the error message of a run that cannot be read. */
function outcome(ingest: Ingest, refused: string | undefined): Partial<Upload> {
  if (refused !== undefined) return { phase: 'failed', error: refused || t('The progress is not available.') }
  switch (ingest.phase) {
    case 'running':
      return { phase: 'processing' }
    case 'stopped':
      return { phase: 'stopped' }
    case 'failed':
      return { phase: 'failed', error: ingest.error ? errorText(ingest.error) : t('Upload failed.') }
    case 'done': {
      const results = ingest.files.flatMap((file) => (file.result ? [file.result] : []))
      const failed = results.filter((result) => !result.success)
      return failed.length > 0 && failed.length === results.length
        ? { phase: 'failed', error: failed[0] && resultText(failed[0]) }
        : { phase: 'done' }
    }
  }
}
