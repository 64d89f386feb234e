import type { IngestResult } from '../../../contract/knowledge.ts'
import { type Layer } from '../../../contract/layers.ts'
import type { Db } from '../../db/index.ts'
import { AppError } from '../../errors.ts'
import type { RunRecord, Runs } from '../../runs/index.ts'
import { documentNotFound, ingestStopped, noSupportedFiles } from '../errors.ts'
import type { PageFetcher } from '../fetch/fetch-page.ts'
import { sitePages } from '../fetch/sitemap.ts'
import type { Originals, StagedFile } from '../files.ts'
import type { DocumentParser } from '../parsers/index.ts'
import { type DocumentRow, findDocument } from '../store/documents.ts'
import { lockOriginals, pinOriginals } from '../store/ingest-files.ts'
import type { IngestFile, IngestInput } from './input.ts'

/** A file of an upload: taken in, or refused with the reason. */
export type UploadedFile = { filename: string } & (
  | { staged: StagedFile }
  | { refused: { code: string; message: string } }
)

/** For whom, into which avee, at which layer something is taken in. Without a layer: that of what it replaces, else `usualLayer`. */
export type IngestTarget = {
  userId: string
  aveeId: string
  layer: Layer | null
  usualLayer: Layer
  idempotencyKey?: string
}

/** A document that can be found now; not new when the same bytes were there already. */
export type IngestedDocument = { document: DocumentRow; isNew: boolean }

const unreadable = (filename: string) => ({
  code: 'unsupported_type',
  message: `${filename.slice(filename.lastIndexOf('.'))} files cannot be read; PDF, Office, EPUB, HTML, Markdown, mail, tables, code and plain text can.`,
})

/** The ways in: whatever comes becomes a run, whose kind does the work. */
export function intake({
  db,
  runs,
  files,
  reader,
  fetcher,
  maxSitePages,
}: {
  db: Db
  runs: Runs
  files: Originals
  reader: DocumentParser
  fetcher: PageFetcher
  maxSitePages: number
}) {
  /** Writes the run and puts the originals into their places, in one transaction: the run's notes keep them there. */
  async function begin(
    target: IngestTarget,
    source: IngestInput['source'],
    arrived: (IngestFile & { staged?: StagedFile })[],
    about?: string,
  ): Promise<RunRecord> {
    const staged = arrived.flatMap((file, index) =>
      file.staged && !('refused' in file) ? [{ index, staged: file.staged }] : [],
    )
    const input: IngestInput = {
      aveeId: target.aveeId,
      source,
      layer: target.layer,
      usualLayer: target.usualLayer,
      files: arrived.map(({ staged: _, ...file }) => file),
      ...(about === undefined ? {} : { about }),
    }
    try {
      const { run } = await runs.start<IngestInput>(
        {
          kind: 'ingest',
          userId: target.userId,
          scope: target.aveeId,
          input,
          ...(target.idempotencyKey === undefined ? {} : { idempotencyKey: target.idempotencyKey }),
        },
        async (trx, runId) => {
          await lockOriginals(trx)
          await pinOriginals(
            trx,
            runId,
            staged.map(({ index, staged: { sha256 } }) => ({ index, sha256 })),
          )
          await files.keep(staged.map((file) => file.staged))
        },
      )
      return run
    } finally {
      // Those that were not kept: the run was there already, or could not be written.
      await Promise.all(staged.map((file) => files.discard(file.staged)))
    }
  }

  /** Waits for a run of one file and gives the document. @throws what became of the file, as an error. */
  async function documentOf(run: RunRecord, signal: AbortSignal): Promise<IngestedDocument> {
    for await (const events of runs.follow(run.id, 0, signal)) {
      for (const { data } of events) {
        const event = JSON.parse(data) as { result?: IngestResult; error?: { code: string; message: string } }
        if (event.error) throw new AppError(500, event.error.code, event.error.message)
        const { result } = event
        if (!result) continue
        if (!result.success) throw new AppError(422, result.code ?? 'not_readable', result.message)
        const document = await findDocument(db, result.doc_id ?? '')
        if (!document) throw documentNotFound()
        return { document, isNew: result.duplicate !== true }
      }
    }
    throw ingestStopped()
  }

  return {
    /** Takes in an upload as a run; the bytes are its own from here on. @throws no_supported_files when no file of it can be read. */
    async upload(target: IngestTarget, arrived: UploadedFile[]): Promise<RunRecord> {
      const all = arrived.map((file): IngestFile & { staged?: StagedFile } => {
        const { filename } = file
        const named = { name: filename, filename }
        if ('refused' in file) return { ...named, refused: file.refused }
        const { staged } = file
        if (!reader.isWorthParsing(filename)) return { ...named, refused: unreadable(filename), staged }
        return { ...named, sha256: staged.sha256, bytes: staged.bytes, staged }
      })
      const unread = all.filter((file) => 'refused' in file)
      await Promise.all(unread.flatMap((file) => (file.staged ? [files.discard(file.staged)] : [])))
      if (unread.length === all.length && unread.every((file) => file.staged)) throw noSupportedFiles()
      return await begin(target, 'upload', all)
    },

    /** Takes in a text that was pasted, and waits until it can be found. */
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
      return await documentOf(await begin(target, 'text', [file]), signal)
    },

    /** Fetches a page and takes it in, and waits until it can be found. */
    async page(target: IngestTarget, url: string, signal: AbortSignal): Promise<IngestedDocument> {
      const run = await begin(target, 'url', [{ name: url, filename: null, url }])
      return await documentOf(run, signal)
    },

    /**
     * Finds the pages that a site's sitemap lists under an address, and takes them in as a run. @throws AppError when
     * none is found.
     */
    async site(
      target: IngestTarget,
      { url, limit = maxSitePages }: { url: string; limit?: number | undefined },
      signal: AbortSignal,
    ): Promise<RunRecord> {
      const most = Math.min(limit, maxSitePages)
      const { pages, total } = await sitePages(fetcher, url, most, signal)
      const { host } = new URL(url)
      const about =
        pages.length < total
          ? `${host} lists ${total} pages; the first ${pages.length} are read.`
          : `${host} lists ${total} ${total === 1 ? 'page' : 'pages'}.`
      const found = pages.map((page) => ({ name: page, filename: null, url: page }))
      return await begin(target, 'url', found, about)
    },
  }
}
