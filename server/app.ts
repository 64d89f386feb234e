import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Readiness } from '../contract/server.ts'
import packageJson from '../package.json' with { type: 'json' }
import { accountRoutes, accounts as createAccounts } from './accounts/index.ts'
import { adminRoutes, admin as createAdmin } from './admin/index.ts'
import { aveeRoutes, avees as createAvees } from './avees/index.ts'
import { backupRoutes, backup as createBackup } from './backup/index.ts'
import { attachmentRoutes, chatRoutes, chat as createChat, importRoutes, useRoutes } from './chat/index.ts'
import { completions as createCompletions } from './completions/index.ts'
import type { Config, Secret } from './config.ts'
import { dataExport as createDataExport, dataExportRoutes } from './data-export/index.ts'
import { lockDirectory, newId, openDatabase } from './db/index.ts'
import { deletions as createDeletions, deletionRoutes } from './deletions/index.ts'
import { diskSpace } from './disk-space.ts'
import { createEncryption, readEncryptionKey } from './encryption.ts'
import { AppError, storageFull } from './errors.ts'
import { cardRoutes } from './gateways/cards/index.ts'
import { embedRoutes } from './gateways/embed/index.ts'
import {
  localchatChatRoutes,
  localchatDocumentRoutes,
  localchatModelRoutes,
  localchatProtocol,
  localchatStatusRoutes,
} from './gateways/localchat/index.ts'
import { mcp as createMcp, mcpRoutes } from './gateways/mcp/index.ts'
import { generateProtocol, ollamaErrors, ollamaProtocol, ollamaRoutes } from './gateways/ollama/index.ts'
import {
  openaiErrors,
  openaiProtocol,
  openaiRoutes,
  responsesErrors,
  responsesProtocol,
} from './gateways/openai/index.ts'
import { globalSearch as createGlobalSearch, globalSearchRoutes } from './global-search/index.ts'
import { createHttp } from './http/index.ts'
import { insight as createInsight, insightRoutes } from './insight/index.ts'
import { jobs as jobQueue } from './jobs/index.ts'
import { knowledge as createKnowledge, folderRoutes, knowledgeRoutes } from './knowledge/index.ts'
import { createLog, droppedLogLines, type Log } from './log.ts'
import { memory as createMemory, type MemoryDependencies, memoryRoutes } from './memory/index.ts'
import { models as createModels, modelRoutes } from './models/index.ts'
import { connectRedis } from './rate-limiter.ts'
import { runs as createRuns, runRoutes } from './runs/index.ts'
import { createTelemetry, createTracer, type Tracer } from './telemetry/index.ts'
import { tools as createTools, toolRoutes } from './tools/index.ts'
import { webhooks as createWebhooks, webhookRoutes } from './webhooks/index.ts'
import { limitWork } from './work-limits.ts'

/** Dependencies that a test may replace. */
export type Overrides = {
  log?: Log
  /** A bearer token with which requests act as the owner. */
  ownerToken?: string
  pageDirectory?: string
  memoryPace?: MemoryDependencies['pace']
}

/** Timeout of the readiness check for model services. */
const readinessTimeoutMs = 2_000

/**
 * The composition root: creates every module, from the lowest to the highest. Disposing closes them in reverse order:
 * first the server stops accepting requests while runs finish or are handed over, and the database closes last.
 */
export async function createApp(config: Config, overrides: Overrides = {}) {
  await using parts = new AsyncDisposableStack()
  const log: Log =
    overrides.log ??
    createLog(config.log.level, undefined, config.tracing ? () => tracer?.logFields() ?? {} : undefined)
  const tracer: Tracer | null =
    config.tracing &&
    parts.use(
      createTracer(
        { ...config.tracing, headers: config.tracing.headers.reveal(), version: packageJson.version },
        log,
      ),
    )
  const telemetry = createTelemetry(tracer ?? undefined)

  await createDataDirectory(config.dataDir)
  const disk = diskSpace(config.dataDir, config.minFreeDiskBytes)
  const redis = config.redisUrl ? connectRedis(config.redisUrl.reveal()) : undefined
  parts.defer(() => redis?.disconnect())
  const database = parts.use(
    await openDatabase({
      dir: config.dataDir,
      log,
      url: config.databaseUrl?.reveal(),
      onStatement: telemetry.countStatement,
    }),
  )
  // The embedded database has already locked its directory.
  const ownsDirectory = database.kind === 'embedded' || lockDataDirectory(config.dataDir, parts)
  const runs = createRuns({
    database,
    log,
    nodeId: ownsDirectory ? await readNodeId(config.dataDir) : newId(),
    leaseMs: config.runs.leaseMs,
    graceMs: config.server.shutdownGraceMs,
    retention: { eventsMs: config.runs.eventsDays * 24 * 60 * 60 * 1000 },
    telemetry,
  })
  const jobs = jobQueue({ database, log, graceMs: config.server.shutdownGraceMs })
  jobs.register('runs.retention', {
    everyMs: 10 * 60_000,
    run: async (_input, { signal }) => runs.prune(signal),
  })
  const deletions = createDeletions({ database, jobs, log, undoDays: config.undoDays })
  const encryption = createEncryption(
    config.encryptionKey?.reveal() ?? (await readEncryptionKey(config.dataDir)),
  )
  const models = parts.use(
    createModels({
      database,
      runs,
      log,
      encryption,
      disk,
      config: {
        ...config.models,
        openai: withKey(config.models.openai),
        rerank: withKey(config.models.rerank),
        redisUrl: config.redisUrl?.reveal(),
      },
      telemetry,
    }),
  )
  const accounts = await createAccounts({
    database,
    runs,
    deletions,
    jobs,
    oidc: config.oidc && { ...config.oidc, clientSecret: config.oidc.clientSecret?.reveal() ?? null },
    mail: config.mail && { ...config.mail, url: config.mail.url.reveal() },
    encryption,
    loopback: config.server.loopback,
    ...config.accounts,
    redis,
  })
  const admin = createAdmin({ database, dataDir: config.dataDir })
  jobs.register('audit.retention', { everyMs: 24 * 60 * 60_000, run: async () => admin.pruneAuditLog() })
  const avees = createAvees({ database, accounts, runs, jobs, deletions })
  const knowledge = parts.use(
    await createKnowledge({
      database,
      runs,
      jobs,
      deletions,
      models,
      log,
      isDiskLow: disk.isLow,
      telemetry,
      config: {
        dataDir: config.dataDir,
        limits: config.documents,
        ocr: config.ocr,
        searchPath: config.searchPath,
        watchFolders: config.watchFolders,
      },
    }),
  )
  const insight = createInsight({ database, jobs, models, knowledge, avees })
  const webhooks = parts.use(
    createWebhooks({ database, jobs, runs, insight, avees, encryption, allowedHosts: config.webhookHosts }),
  )
  const memory = createMemory({
    database,
    models,
    avees,
    jobs,
    deletions,
    log,
    pace: overrides.memoryPace ?? {},
  })
  const { publicUrl, host, port } = config.server
  const baseUrl = publicUrl ?? `http://${host}:${port}`
  const protocols = {
    localchat: localchatProtocol,
    openai: openaiProtocol(baseUrl),
    'openai-responses': responsesProtocol(baseUrl),
    ollama: ollamaProtocol,
    'ollama-generate': generateProtocol,
  }
  const tools = parts.use(
    createTools({
      database,
      avees,
      knowledge,
      memory,
      encryption,
      log,
      searxngUrl: config.searxngUrl,
      allowedHosts: config.toolHosts,
    }),
  )
  const chat = createChat({
    database,
    runs,
    avees,
    knowledge,
    models,
    tools,
    insight,
    memory,
    deletions,
    maxConversations: config.maxConversations,
    maxQuestionCharacters: config.maxQuestionCharacters,
    protocols,
  })
  const completions = createCompletions({
    database,
    runs,
    models,
    avees,
    knowledge,
    chat,
    deletions,
    protocols,
  })

  let isStopping = false
  async function readiness(): Promise<Readiness> {
    const [store, isDiskLow, available] = await Promise.all([
      database.ping().then(
        () => ({ ok: true }),
        () => ({ ok: false, message: 'The database is not available.' }),
      ),
      disk.isLow(),
      models.status(AbortSignal.timeout(readinessTimeoutMs)),
    ])
    const isDiskFull = isDiskLow || database.isDiskFull()
    return {
      ok: store.ok && !isDiskFull && !isStopping,
      ...(isStopping && { stopping: true as const }),
      database: { ...store, kind: database.kind },
      storage: { ok: !isDiskFull, ...(isDiskFull ? { message: storageFull().message } : {}) },
      models: {
        ok: true,
        chat: available.chat.model,
        embedding: available.embedding.model,
        message: `${available.chat.model}: ${available.chat.reason}`,
      },
    }
  }

  const search = createGlobalSearch({ database, avees, knowledge, memory, chat })
  const admit = limitWork(config.limits, disk, redis)
  const { version } = packageJson
  const mcp = createMcp({ avees, knowledge, memory, chat, runs, search, admit, log, version })

  const http = await createHttp({
    config,
    log,
    identity:
      overrides.ownerToken === undefined
        ? accounts
        : {
            ...accounts,
            byToken: async (token, ip) =>
              token === overrides.ownerToken ? await accounts.owner() : await accounts.byToken(token, ip),
          },
    admit,
    readiness,
    audit: admin.record,
    errorFormats: { '/v1/responses': responsesErrors, '/v1/': openaiErrors, '/ollama/': ollamaErrors },
    telemetry,
    metrics: {
      log_lines_dropped_total: {
        isCounter: true,
        help: 'Log lines dropped because they could not be written.',
        read: droppedLogLines,
      },
      runs_running: { help: 'Runs in progress on this server.', read: () => runs.stats().running },
      run_readers: { help: 'Open readers of run logs.', read: () => runs.stats().readers },
      run_events_total: {
        isCounter: true,
        help: 'Run events committed since the start.',
        read: () => runs.stats().events,
      },
      runs: {
        help: 'Runs in progress, and those that ended in the last hour, of all servers by kind and status.',
        labels: ['kind', 'status'],
        read: async () => (await admin.countRuns()).map(({ count, ...labels }) => ({ labels, value: count })),
      },
      database: {
        help: 'Connections of the pool, idle connections, waiting callers, and statistics of the embedded database.',
        labels: ['figure'],
        read: async () =>
          Object.entries(database.stats()).map(([figure, value]) => ({ labels: { figure }, value })),
      },
      jobs: {
        help: 'Background jobs by kind and state.',
        labels: ['kind', 'state'],
        read: async () => (await jobs.stats()).map(({ count, ...labels }) => ({ labels, value: count })),
      },
      run_commits_total: {
        isCounter: true,
        help: 'Commits of run events since the start.',
        read: () => runs.stats().commits,
      },
      model_queue: {
        help: 'Answers that run or wait for a free slot on this server, by provider of models.',
        labels: ['provider', 'state'],
        read: async () =>
          (await models.queueStats()).flatMap(({ provider, ...counts }) =>
            Object.entries(counts).map(([state, value]) => ({ labels: { provider, state }, value })),
          ),
      },
      embedding_cache_hits_total: {
        isCounter: true,
        help: 'Embeddings served from the cache.',
        read: () => models.cacheStats().hits,
      },
      embedding_cache_misses_total: {
        isCounter: true,
        help: 'Embeddings requested from a model.',
        read: () => models.cacheStats().misses,
      },
      background_calls_waiting: {
        help: 'Background model calls in the queue.',
        read: () => models.backgroundStats().waiting,
      },
      background_calls_preempted_total: {
        isCounter: true,
        help: 'Background model calls preempted by an answer.',
        read: () => models.backgroundStats().preempted,
      },
    },
    ...(overrides.pageDirectory === undefined ? {} : { pageDirectory: overrides.pageDirectory }),
  })
  // Both at once: no new requests, while readers still receive the end of runs that finish within the grace period.
  parts.defer(async () => {
    await Promise.all([http.close(), jobs[Symbol.asyncDispose](), runs[Symbol.asyncDispose]()])
  })

  await http.register(accountRoutes({ accounts, avees, publicUrl: config.server.publicUrl }))
  await http.register(aveeRoutes({ avees }))
  await http.register(adminRoutes({ admin, accounts, avees, jobs, publicUrl: config.server.publicUrl }))
  await http.register(backupRoutes({ backup: createBackup({ database, dataDir: config.dataDir }) }))
  await http.register(deletionRoutes({ deletions }))
  await http.register(runRoutes({ runs, visibleScopes: avees.visibleAmong }))
  await http.register(knowledgeRoutes({ knowledge, avees, runs }))
  await http.register(folderRoutes({ knowledge, avees }))
  await http.register(insightRoutes({ insight, avees }))
  await http.register(webhookRoutes({ webhooks }))
  await http.register(
    memoryRoutes({
      memory,
      conversationOf: async (caller, id) => ({ aveeId: (await chat.getConversation(caller, id)).avee_id }),
    }),
  )
  await http.register(globalSearchRoutes({ search }))
  await http.register(mcpRoutes({ mcp }))
  await http.register(
    dataExportRoutes({
      dataExport: createDataExport({ accounts, avees, knowledge, memory, chat, completions, tools }),
    }),
  )
  await http.register(toolRoutes({ tools }))
  await http.register(
    chatRoutes({
      chat,
      runs,
      avees,
      insight,
      memory,
      findVisitor: accounts.visitor,
      publicUrl: config.server.publicUrl,
    }),
  )
  await http.register(embedRoutes({ avees }))
  await http.register(cardRoutes({ avees, knowledge, memory, models }))
  await http.register(importRoutes({ chat, runs, knowledge }))
  await http.register(attachmentRoutes({ chat, runs, knowledge }))
  await http.register(useRoutes({ database, avees, knowledge }))
  await http.register(localchatChatRoutes({ chat, runs, avees }))
  await http.register(localchatDocumentRoutes({ knowledge, avees, runs }))
  await http.register(modelRoutes({ models, runs }))
  await http.register(localchatModelRoutes({ models, runs }))
  await http.register(
    localchatStatusRoutes({
      database,
      models,
      knowledge,
      avees,
      version,
      maxQuestionCharacters: config.maxQuestionCharacters,
    }),
  )
  await http.register(openaiRoutes({ completions, runs, baseUrl }))
  await http.register(ollamaRoutes({ completions, runs }))
  await http.ready()

  const all = parts.move()
  return {
    http,
    database,
    runs,
    jobs,
    models,
    accounts,
    avees,
    knowledge,
    memory,
    insight,
    chat,
    mcp,
    /** Starts accepting requests and resumes interrupted runs. Returns the address. */
    async listen(): Promise<string> {
      const address = await http.listen({ host: config.server.host, port: config.server.port })
      await runs.open()
      await jobs.open()
      return address
    },
    /** Reports that the server is not ready, and waits until load balancers have seen it. */
    async drain(): Promise<void> {
      isStopping = true
      await pause(config.server.shutdownDelayMs)
    },
    [Symbol.asyncDispose]: async () => all.disposeAsync(),
  }
}

export type App = Awaited<ReturnType<typeof createApp>>

const withKey = <Service extends { apiKey: Secret | null }>(service: Service | undefined) =>
  service && { ...service, apiKey: service.apiKey?.reveal() }

/** Creates the data directory. @throws Error with a sentence for the operator */
async function createDataDirectory(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    const reason =
      code === 'EEXIST' || code === 'ENOTDIR'
        ? 'it is, or is inside, a file. Set DATA_DIR to a directory.'
        : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
          ? 'permission denied. Set DATA_DIR to a directory that the server may write to.'
          : code === 'ENOSPC'
            ? 'the disk is full.'
            : (thrown as Error).message
    throw new Error(`The data directory ${dataDir} cannot be created: ${reason}`, { cause: thrown })
  }
}

/** Locks the directory until the server closes. Returns false if another server on the same PostgreSQL owns it. */
function lockDataDirectory(dataDir: string, parts: AsyncDisposableStack): boolean {
  try {
    const lock = lockDirectory(dataDir)
    parts.defer(() => lock.release())
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'data_dir_in_use') return false
    throw error
  }
}

/** Returns the node id of the data directory. Its lock guarantees that no other process has the same id. */
async function readNodeId(dataDir: string): Promise<string> {
  const path = join(dataDir, 'node-id')
  const stored = await readFile(path, 'utf8').catch(() => '')
  if (stored.trim() !== '') return stored.trim()
  const created = newId()
  await writeFile(path, `${created}\n`)
  return created
}
