import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import type { IngestResult } from '../../contract/knowledge.ts'
import { type Layer, layers } from '../../contract/layers.ts'
import { accountRoutes, accounts as createAccounts } from '../../server/accounts/index.ts'
import { aveeRoutes, avees as createAvees } from '../../server/avees/index.ts'
import { readConfig } from '../../server/config.ts'
import { newId } from '../../server/db/index.ts'
import { deletions as createDeletions } from '../../server/deletions/index.ts'
import { createEncryption } from '../../server/encryption.ts'
import { localchatDocumentRoutes } from '../../server/gateways/localchat/documents.ts'
import { createHttp } from '../../server/http/index.ts'
import { jobs as createJobs } from '../../server/jobs/index.ts'
import {
  knowledge as createKnowledge,
  folderRoutes,
  type KnowledgeDependencies,
  knowledgeRoutes,
} from '../../server/knowledge/index.ts'
import type { Embedder } from '../../server/models/index.ts'
import { runs as createRuns, runRoutes } from '../../server/runs/index.ts'
import { createTestClient, type TestClient } from '../client.ts'
import { openTestDatabase, type TestDatabase } from '../databases.ts'

export const allLayers = [...layers]

type Options = {
  limits?: Partial<KnowledgeDependencies['config']['limits']>
  network?: KnowledgeDependencies['network']
  watchFolders?: string[]
}

/** Starts accounts, avees, runs, jobs and knowledge behind real HTTP, on a separate database. */
export async function openKnowledgeServer(
  kind: TestDatabase['kind'],
  { limits, network, watchFolders = [] }: Options = {},
) {
  const database = await openTestDatabase(kind)
  const dir = database.source.dir
  const log = pino({ level: 'silent' })
  const config = readConfig({ PORT: '0', DATA_DIR: dir, REGISTRATION: 'open' })
  const runs = createRuns({ database, log, nodeId: randomUUID(), leaseMs: 2_000, graceMs: 0 })
  const jobs = createJobs({ database, log })
  const deletions = createDeletions({ database, jobs, log, undoDays: 7 })
  const accounts = await createAccounts({
    database,
    runs,
    deletions,
    jobs,
    encryption: createEncryption('key'),
    loopback: true,
    ...config.accounts,
  })
  const avees = createAvees({ database, accounts, runs, jobs, deletions })
  let isDiskLow = async () => false
  let embedder: Embedder | undefined
  let previous: Embedder | undefined
  let reranker: KnowledgeDependencies['models']['scoreRelevance']
  const knowledge = await createKnowledge({
    database,
    runs,
    jobs,
    deletions,
    models: {
      embedder: async () => embedder,
      embedderForSpace: async (space) => (previous?.space === space ? previous : undefined),
      scoreRelevance: async (...input) => reranker?.(...input),
    },
    log,
    isDiskLow: () => isDiskLow(),
    config: { dataDir: dir, limits: { ...config.documents, ...limits }, watchFolders },
    ...(network ? { network } : {}),
  })
  const http = await createHttp({
    config,
    log,
    identity: accounts,
    readiness: async () => ({
      ok: true,
      database: { ok: true, kind },
      storage: { ok: true },
      models: { ok: true, chat: 'extractive', embedding: null, message: '' },
    }),
  })
  await http.register(accountRoutes({ accounts, avees, publicUrl: null }))
  await http.register(aveeRoutes({ avees }))
  await http.register(runRoutes({ runs, visibleScopes: async (_, scopes) => new Set(scopes) }))
  await http.register(knowledgeRoutes({ knowledge, avees, runs }))
  await http.register(folderRoutes({ knowledge, avees }))
  await http.register(localchatDocumentRoutes({ knowledge, avees, runs }))
  const url = await http.listen({ host: '127.0.0.1', port: 0 })
  await runs.open()
  await jobs.open()
  const { signal } = new AbortController()

  return {
    ...createTestClient(url),
    kind,
    dir,
    database,
    runs,
    jobs,
    knowledge,
    signal,

    /** Sets the current embedding model; the previous one stays available. */
    useEmbedder(model: Embedder | undefined): void {
      previous = embedder
      embedder = model
    },

    answerDiskLow(answer: () => Promise<boolean>): void {
      isDiskLow = answer
    },

    /** Sets the cross-encoder. */
    useReranker(model: KnowledgeDependencies['models']['scoreRelevance']): void {
      reranker = model
    },

    /** Creates an avee with a separate owner, without HTTP. */
    async newAvee(): Promise<{ aveeId: string; userId: string }> {
      const userId = newId()
      const aveeId = newId()
      await database.db.insertInto('users').values({ id: userId, display_name: 'Ada' }).execute()
      await database.db
        .insertInto('avees')
        .values({ id: aveeId, owner_id: userId, handle: `avee-${aveeId.slice(-12)}`, display_name: 'Ada' })
        .execute()
      return { aveeId, userId }
    },

    /** Ingests files as an upload does; returns a result for each. */
    async ingest(
      to: { aveeId: string; userId: string; layer?: Layer },
      files: Record<string, string | Uint8Array>,
    ): Promise<IngestResult[]> {
      const uploads = []
      for (const [filename, content] of Object.entries(files))
        uploads.push({ filename, staged: await knowledge.staging.stage([Buffer.from(content)]) })
      const run = await knowledge.ingest({ ...to, layer: to.layer ?? null, usualLayer: 'public' }, uploads)
      const events = (await Array.fromAsync(runs.follow(run.id, 0, signal))).flat()
      return events.flatMap(({ data }) => {
        const { result } = JSON.parse(data) as { result?: IngestResult }
        return result ? [result] : []
      })
    },

    async find(aveeId: string, query: string, seen: Layer[] = allLayers, context: string[] = []) {
      return await knowledge.search({ aveeId, layers: seen, query, context, limit: 10, signal })
    },

    /** Purges, then counts the rows of every table that stores documents. */
    async rows(): Promise<Record<string, number>> {
      await knowledge.purge()
      const tables = [
        'documents',
        'document_versions',
        'document_pages',
        'document_sections',
        'passages',
        'passage_terms',
        'passage_vectors',
        'ingest_files',
      ] as const
      const counts: Record<string, number> = {}
      for (const table of tables) {
        const { count } = await database.db
          .selectFrom(table)
          .select((eb) => eb.fn.countAll<string>().as('count'))
          .executeTakeFirstOrThrow()
        counts[table] = Number(count)
      }
      return counts
    },

    /** Lists the files below `files` and `incoming` in the data directory. */
    async originals(): Promise<string[]> {
      const below = async (name: string) =>
        (await readdir(path.join(dir, name), { recursive: true, withFileTypes: true }).catch(() => []))
          .filter((entry) => entry.isFile())
          .map((entry) => `${name}/${entry.name}`)
      return [...(await below('files')), ...(await below('incoming'))].sort()
    },

    async [Symbol.asyncDispose]() {
      await http.close()
      await jobs[Symbol.asyncDispose]()
      await runs[Symbol.asyncDispose]()
      await knowledge[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

export type KnowledgeServer = Awaited<ReturnType<typeof openKnowledgeServer>>

/** Returns an upload form, with the files before the fields. */
export function uploadForm(
  files: { name: string; content: string | Uint8Array<ArrayBuffer> }[],
  fields: Record<string, string> = {},
): FormData {
  const form = new FormData()
  for (const { name, content } of files) form.append('files', new File([content], name))
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  return form
}

export const post = (client: TestClient, where: string, body: FormData): Promise<Response> =>
  client.fetch(where, { method: 'POST', body })

/** Returns an embedding model of hashed words: texts with the same words are near each other. */
export function wordEmbedder(space: string, dimensions = 64): Embedder & { texts: string[] } {
  const texts: string[] = []
  return {
    space,
    remote: false,
    texts,
    async embed(input) {
      texts.push(...input)
      return input.map((text) => {
        const vector = new Float32Array(dimensions)
        for (const word of text.toLowerCase().match(/\p{L}{3,}/gu) ?? []) {
          const bucket =
            [...word].reduce((hash, letter) => (hash * 31 + (letter.codePointAt(0) ?? 0)) % 9973, 7) %
            dimensions
          vector[bucket] = (vector[bucket] ?? 0) + 1
        }
        vector[0] = (vector[0] ?? 0) + 0.01
        return vector
      })
    },
  }
}
