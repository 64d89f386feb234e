import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { IngestResult } from '../contract/knowledge.ts'
import { layers } from '../contract/layers.ts'
import { newId, openDatabase } from '../server/db/index.ts'
import { deletions as createDeletions } from '../server/deletions/index.ts'
import { jobs as createJobs } from '../server/jobs/index.ts'
import { knowledge as createKnowledge } from '../server/knowledge/index.ts'
import { createLog } from '../server/log.ts'
import type { Embedder } from '../server/models/index.ts'
import { runs as createRuns } from '../server/runs/index.ts'

export type BenchFile = { filename: string } & ({ path: string } | { text: string })

export const allLayers = [...layers]

/** Opens the database, runs, jobs and knowledge as a server does, in a temporary directory, with one user. */
export async function openBenchServer({
  url,
  embedder,
  scoreRelevance,
}: {
  url?: string | undefined
  embedder?: Embedder | undefined
  scoreRelevance?: ((query: string, texts: string[], signal: AbortSignal) => Promise<number[]>) | undefined
} = {}) {
  const dir = await mkdtemp(path.join(tmpdir(), 'gabee-bench-'))
  const log = createLog('error')
  const database = await openDatabase({ dir, log, ...(url === undefined ? {} : { url }) })
  const runs = createRuns({ database, log, nodeId: newId(), graceMs: 0 })
  const jobs = createJobs({ database, log })
  const knowledge = await createKnowledge({
    database,
    runs,
    jobs,
    deletions: createDeletions({ database, jobs, log, undoDays: 7 }),
    models: { embedder: async () => embedder, ...(scoreRelevance && { scoreRelevance }) },
    log,
    config: {
      dataDir: dir,
      limits: {
        maxUploadBytes: 500 * 1024 * 1024,
        maxPages: 10_000,
        maxUnpackedBytes: 1024 * 1024 * 1024,
        readTimeoutMs: 600_000,
        maxSitePages: 500,
        readMemoryMb: 2_048,
        quotaBytes: 0,
      },
    },
  })
  await jobs.open()
  const userId = newId()
  await database.db.insertInto('users').values({ id: userId, display_name: 'Bench' }).execute()
  const { signal } = new AbortController()

  return {
    dir,
    database,
    runs,
    knowledge,
    userId,
    signal,

    async newAvee(): Promise<string> {
      const id = newId()
      await database.db
        .insertInto('avees')
        .values({ id, owner_id: userId, handle: `bench-${id}`, display_name: 'Bench', persona: '' })
        .execute()
      return id
    },

    /** Ingests files as an upload does; returns the results in order. */
    async ingest(
      aveeId: string,
      files: BenchFile[],
      onEvent?: (event: Record<string, unknown>) => void,
    ): Promise<IngestResult[]> {
      const arrived = []
      for (const file of files) {
        const bytes = 'path' in file ? await readFile(file.path) : Buffer.from(file.text)
        arrived.push({ filename: file.filename, staged: await knowledge.staging.stage([bytes]) })
      }
      const run = await knowledge.ingest({ userId, aveeId, layer: null, usualLayer: 'public' }, arrived)
      const results: IngestResult[] = []
      for await (const events of runs.follow(run.id, 0, signal)) {
        for (const { data } of events) {
          const event = JSON.parse(data) as Record<string, unknown>
          onEvent?.(event)
          if (event['result']) results.push(event['result'] as IngestResult)
          if (event['error']) throw new Error(data)
        }
      }
      return results
    },

    async [Symbol.asyncDispose]() {
      await jobs[Symbol.asyncDispose]()
      await runs[Symbol.asyncDispose]()
      await knowledge[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export type BenchServer = Awaited<ReturnType<typeof openBenchServer>>
