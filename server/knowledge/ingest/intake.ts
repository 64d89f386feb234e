import type { IngestResult } from '../../../contract/knowledge.ts'
import { type Layer } from '../../../contract/layers.ts'
import type { Failure } from '../../../contract/runs.ts'
import { aveeNotFound } from '../../avees/index.ts'
import type { Db } from '../../db/index.ts'
import { AppError, fromFailure } from '../../errors.ts'
import type { RunRecord, Runs } from '../../runs/index.ts'
import { documentNotFound, ingestStopped, ingestUnfinished, noSupportedFiles } from '../errors.ts'
import type { PageFetcher } from '../fetch/fetch-page.ts'
import { sitePages } from '../fetch/sitemap.ts'
import type { Originals, StagedFile } from '../files.ts'
import type { DocumentParser } from '../parsers/index.ts'
import type { StorageQuota } from '../storage-quota.ts'
import { type DocumentRow, findDocument } from '../store/documents.ts'
import { pinStatement } from '../store/ingest-files.ts'
import { findOwnerId } from '../store/vectors.ts'
import type { IngestFile, IngestInput } from './input.ts'

/** A file of an upload: staged, or refused with the reason. */
export type UploadedFile = { filename: string } & (
  | { staged: StagedFile }
  | { refused: { code: string; message: string } }
)

/** A staged file with its title; a text has no file name. */
export type NamedFile = { title: string; filename: string | null; staged: StagedFile }

/** The target of new documents. Without a layer: that of the replaced document, otherwise `usualLayer`. */
export type IngestTarget = {
  userId: string
  aveeId: string
  layer: Layer | null
  usualLayer: Layer
  /** The avee that the run belongs to, if the documents are attachments. */
  scope?: string | undefined
  idempotencyKey?: string | undefined
}

/** An indexed document; `isNew` is false if the same one already existed. */
export type IngestedDocument = { document: DocumentRow; isNew: boolean }

const unsupported = (filename: string) => ({
  code: 'unsupported_type',
  message: `${filename.slice(filename.lastIndexOf('.'))} files are not supported. Supported are PDF, Office, EPUB, HTML, Markdown, email, tables, code and plain text.`,
})

/** Starts ingest runs for uploads, texts, web pages and sites. */
export function intake({
  db,
  runs,
  files,
  parser,
  fetcher,
  quota,
  maxSitePages,
}: {
  db: Db
  runs: Runs
  files: Originals
  parser: DocumentParser
  fetcher: PageFetcher
  quota: StorageQuota
  maxSitePages: number
}) {
  /** Starts the run, stores the originals and protects them from deletion, in one transaction. */
  async function start(
    target: IngestTarget,
    source: IngestInput['source'],
    added: (IngestFile & { staged?: StagedFile })[],
    about?: string,
  ): Promise<RunRecord> {
    const staged = added.flatMap((file, index) =>
      file.staged && !('refused' in file) ? [{ index, staged: file.staged }] : [],
    )
    const input: IngestInput = {
      aveeId: target.aveeId,
      source,
      layer: target.layer,
      usualLayer: target.usualLayer,
      files: added.map(({ staged: _, ...file }) => file),
      ...(about === undefined ? {} : { about }),
      ...(target.scope === undefined ? {} : { keepsPictures: true }),
    }
    let isKept = false
    try {
      // Adds each file of an upload that still fits into the quota.
      const bytes = staged.map((file) => file.staged.bytes)
      await quota.assertRoom(target.aveeId, bytes.length === 0 ? 1 : Math.min(...bytes))
      const { run } = await runs.start<IngestInput>(
        {
          kind: 'ingest',
          userId: target.userId,
          scope: target.scope ?? target.aveeId,
          input,
          idempotencyKey: target.idempotencyKey,
        },
        // The deletion of the avee waits, and then finds this run; no run starts after that.
        pinStatement(
          target.aveeId,
          staged.map(({ index, staged: { sha256 } }) => ({ index, sha256 })),
          async () => {
            await files.keep(staged.map((file) => file.staged))
            isKept = true
          },
        ),
      )
      return run
    } finally {
      // The idempotency key already has a run, or storing the run failed.
      if (!isKept) await Promise.all(staged.map((file) => files.discard(file.staged)))
    }
  }

  /** Waits for a run of one file and returns its document. @throws the failure of the file, avee_not_found */
  async function documentOf(
    run: RunRecord,
    { aveeId }: IngestTarget,
    field: 'text' | 'url',
    signal: AbortSignal,
  ): Promise<IngestedDocument> {
    try {
      return await resultOf(run, field, signal)
    } catch (error) {
      // Runs of a deleted avee fail with different errors.
      if ((await findOwnerId(db, aveeId)) === undefined) throw aveeNotFound()
      throw error
    }
  }

  async function resultOf(
    run: RunRecord,
    field: 'text' | 'url',
    signal: AbortSignal,
  ): Promise<IngestedDocument> {
    for await (const events of runs.follow(run.id, 0, signal)) {
      for (const { data } of events) {
        const event = JSON.parse(data) as {
          event?: string
          result?: IngestResult
          error?: Failure
        }
        if (event.event === 'stopped') throw ingestStopped()
        if (event.error) throw fromFailure(500, event.error)
        const { result } = event
        if (!result) continue
        if (!result.success) {
          const status = result.code === 'quota_exceeded' ? 403 : 422
          const details = status === 422 ? [{ path: field, problem: result.message }] : undefined
          throw new AppError(status, result.code ?? 'not_readable', result.message, { details })
        }
        const document = await findDocument(db, result.doc_id ?? '')
        if (!document) throw documentNotFound()
        return { document, isNew: result.duplicate !== true }
      }
    }
    signal.throwIfAborted()
    // The log ended early because this server shuts down; another process continues the run.
    throw ingestUnfinished(run.id)
  }

  return {
    /** Ingests an upload and takes ownership of the staged files. @throws no_supported_files if no file can be parsed */
    async upload(target: IngestTarget, uploaded: UploadedFile[]): Promise<RunRecord> {
      const all = uploaded.map((file): IngestFile & { staged?: StagedFile } => {
        const { filename } = file
        const named = { name: filename, filename }
        if ('refused' in file) return { ...named, refused: file.refused }
        const { staged } = file
        if (!parser.isWorthParsing(filename)) return { ...named, refused: unsupported(filename), staged }
        return { ...named, sha256: staged.sha256, bytes: staged.bytes, staged }
      })
      const refused = all.filter((file) => 'refused' in file)
      await Promise.all(refused.flatMap((file) => (file.staged ? [files.discard(file.staged)] : [])))
      if (refused.length === all.length && refused.every((file) => file.staged)) throw noSupportedFiles()
      return await start(target, 'upload', all)
    },

    /** Ingests staged files that have titles, texts without a file name. It takes ownership of the files. */
    async named(target: IngestTarget, source: 'upload' | 'text', named: NamedFile[]): Promise<RunRecord> {
      const all = named.map(({ title, filename, staged }) => ({
        name: filename ?? title,
        filename,
        title,
        sha256: staged.sha256,
        bytes: staged.bytes,
        staged,
      }))
      return await start(target, source, all)
    },

    /** Ingests a pasted text; resolves when it can be found. */
    async text(
      target: IngestTarget,
      given: { title: string; text: string },
      signal: AbortSignal,
    ): Promise<IngestedDocument> {
      const staged = await files.stage([Buffer.from(given.text, 'utf8')])
      const file = {
        name: given.title,
        title: given.title,
        filename: null,
        sha256: staged.sha256,
        bytes: staged.bytes,
        staged,
      }
      return await documentOf(await start(target, 'text', [file]), target, 'text', signal)
    },

    /** Fetches and ingests a web page; resolves when it can be found. */
    async page(target: IngestTarget, url: string, signal: AbortSignal): Promise<IngestedDocument> {
      const run = await start(target, 'url', [{ name: url, filename: null, url }])
      return await documentOf(run, target, 'url', signal)
    },

    /** Ingests the pages that a site's sitemap lists below a URL. @throws AppError if there are none */
    async site(
      target: IngestTarget,
      { url, limit = maxSitePages }: { url: string; limit?: number | undefined },
      signal: AbortSignal,
    ): Promise<RunRecord> {
      const maxPages = Math.min(limit, maxSitePages)
      const { pages, total } = await sitePages(fetcher, url, maxPages, signal)
      const { host } = new URL(url)
      const about =
        pages.length < total
          ? `${host} lists ${total} pages; reading the first ${pages.length}.`
          : `${host} lists ${total} ${total === 1 ? 'page' : 'pages'}.`
      const found = pages.map((page) => ({ name: page, filename: null, url: page }))
      return await start(target, 'url', found, about)
    },
  }
}
