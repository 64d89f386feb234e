import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readiness } from '../contract/server.ts'
import packageJson from '../package.json' with { type: 'json' }
import { accountRoutes, accounts as accountsRoom } from './accounts/index.ts'
import { aveeRoutes, avees as aveesRoom } from './avees/index.ts'
import { chat as chatRoom, chatRoutes } from './chat/index.ts'
import type { Config } from './config.ts'
import { lockDirectory, newId, openDatabase } from './db/index.ts'
import { AppError } from './errors.ts'
import {
  localchatChatRoutes,
  localchatDocumentRoutes,
  localchatModelRoutes,
  localchatProtocol,
  localchatStatusRoutes,
} from './gateways/localchat/index.ts'
import { ollamaProtocol } from './gateways/ollama/index.ts'
import { openaiProtocol } from './gateways/openai/index.ts'
import { createHttp } from './http/index.ts'
import { type Insight, insight as insightRoom, insightRoutes } from './insight/index.ts'
import { jobs as jobQueue } from './jobs/index.ts'
import { folderRoutes, knowledge as knowledgeRoom, knowledgeRoutes } from './knowledge/index.ts'
import { createLog, type Log } from './log.ts'
import { memory as createMemory, type MemoryDependencies, memoryRoutes } from './memory/index.ts'
import { models as modelsRoom } from './models/index.ts'
import { runRoutes, runs as runsRoom } from './runs/index.ts'

/** What a test may hold in its own hands. */
export type Overrides = { log?: Log; pageDirectory?: string; memoryPace?: MemoryDependencies['pace'] }

/** How long the model services may take to say that they are there, when readiness is asked. */
const lookMs = 2_000

/**
 * The whole server, room by room from the bottom up; nothing else puts rooms together. Disposing closes them in
 * reverse: no new requests while the runs end or are handed over, the store last.
 */
export async function createApp(config: Config, overrides: Overrides = {}) {
  const log = overrides.log ?? createLog(config.log.level)
  await using parts = new AsyncDisposableStack()

  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const database = parts.use(
    await openDatabase({
      dir: config.dataDir,
      log,
      ...(config.store.kind === 'postgres' ? { url: config.store.url.reveal() } : {}),
    }),
  )
  // The embedded store has taken its directory already.
  const hasDirectory = database.kind === 'embedded' || takeDirectory(config.dataDir, parts)
  const runs = runsRoom({
    database,
    log,
    nodeId: hasDirectory ? await nodeIdOf(config.dataDir) : newId(),
    leaseMs: config.runs.leaseMs,
    graceMs: config.server.shutdownGraceMs,
    retention: { eventsMs: config.runs.eventsDays * 24 * 60 * 60 * 1000 },
  })
  const jobs = jobQueue({ database, log, graceMs: config.server.shutdownGraceMs })
  jobs.register('runs.retention', {
    everyMs: 10 * 60_000,
    run: async (_input, { signal }) => runs.prune(signal),
  })
  const models = parts.use(
    modelsRoom({
      db: database.db,
      runs,
      log,
      config: {
        ollamaBaseUrl: config.models.ollamaUrl,
        openai: config.models.openai
          ? { baseUrl: config.models.openai.baseUrl, apiKey: config.models.openai.apiKey?.reveal() }
          : undefined,
        chatModel: config.models.chat ?? undefined,
        chatModelStrong: config.models.chatStrong ?? undefined,
        embedModel: config.models.embed ?? undefined,
        rerank: config.models.rerank
          ? { ...config.models.rerank, apiKey: config.models.rerank.apiKey?.reveal() }
          : undefined,
        numCtx: config.models.contextTokens ?? undefined,
        firstTokenMs: config.models.firstTokenTimeoutMs,
        stallMs: config.models.stallTimeoutMs,
        backgroundCalls: config.models.backgroundCalls,
        backgroundRestMs: config.models.backgroundRestMs,
        redisUrl: config.cache.kind === 'redis' ? config.cache.url.reveal() : undefined,
      },
    }),
  )
  const accounts = await accountsRoom({
    database,
    runs,
    loopback: config.server.loopback,
    registrationOpen: config.accounts.registrationOpen,
    sessionDays: config.accounts.sessionDays,
  })
  const avees = aveesRoom({ database, accounts, runs })
  const knowledge = parts.use(
    await knowledgeRoom({
      database,
      runs,
      jobs,
      models,
      log,
      config: {
        dataDir: config.dataDir,
        limits: config.documents,
        ocr: config.ocr,
        watchFolders: config.watchFolders,
      },
    }),
  )
  const insight: Insight = parts.use(
    await insightRoom({
      database,
      models,
      knowledge,
      avees,
      log,
      judge: config.insight.judge,
      conversations: {
        setTitle: (conversationId, title) => chat.setAutoTitle(conversationId, title),
        ownMessage: (caller, messageId) => chat.getOwnMessage(caller, messageId),
        ownConversation: async (caller, conversationId) =>
          void (await chat.getConversation(caller, conversationId)),
        deliver: (trx, reply) => chat.addOwnerReply(trx, reply),
      },
    }),
  )
  const memory = createMemory({ database, models, avees, jobs, log, pace: overrides.memoryPace ?? {} })
  const chat = chatRoom({
    database,
    runs,
    avees,
    knowledge,
    models,
    insight,
    memory,
    protocols: { localchat: localchatProtocol, openai: openaiProtocol, ollama: ollamaProtocol },
  })

  async function readiness(): Promise<Readiness> {
    const [store, seen] = await Promise.all([
      database.ping().then(
        () => ({ ok: true }),
        () => ({ ok: false, message: 'The database does not answer.' }),
      ),
      models.status(AbortSignal.timeout(lookMs)),
    ])
    return {
      ok: store.ok,
      database: { ...store, kind: database.kind },
      models: {
        ok: true,
        chat: seen.chat.model,
        embedding: seen.embedding.model,
        message: `${seen.chat.model}: ${seen.chat.reason}`,
      },
    }
  }

  const http = await createHttp({
    config,
    log,
    identity: accounts,
    readiness,
    metrics: {
      runs_running: { help: 'Runs that this server works on.', read: () => runs.stats().running },
      run_readers: { help: 'Open readers of runs.', read: () => runs.stats().readers },
      run_events: { help: 'Events committed since the start.', read: () => runs.stats().events },
      jobs: {
        help: 'Background jobs by kind and state.',
        labels: ['kind', 'state'],
        read: async () => (await jobs.stats()).map(({ count, ...labels }) => ({ labels, value: count })),
      },
      run_commits: { help: 'Commits those events took.', read: () => runs.stats().commits },
      embedding_cache_hits: { help: 'Embeddings found in the cache.', read: () => models.cacheStats().hits },
      embedding_cache_misses: {
        help: 'Embeddings that had to be made.',
        read: () => models.cacheStats().misses,
      },
      background_calls_waiting: {
        help: 'Model calls that wait until nobody is answered.',
        read: () => models.backgroundStats().waiting,
      },
      background_calls_given_way: {
        help: 'Model calls that were closed because somebody asked.',
        read: () => models.backgroundStats().gaveWay,
      },
    },
    ...(overrides.pageDirectory === undefined ? {} : { pageDirectory: overrides.pageDirectory }),
  })
  // At once: the doors close, while readers still see the end of runs that end within the grace period.
  parts.defer(async () => {
    await Promise.all([http.close(), jobs[Symbol.asyncDispose](), runs[Symbol.asyncDispose]()])
  })

  await http.register(accountRoutes({ accounts, avees }))
  await http.register(aveeRoutes({ avees }))
  await http.register(runRoutes({ runs }))
  await http.register(knowledgeRoutes({ knowledge, avees, runs }))
  await http.register(folderRoutes({ knowledge, avees }))
  await http.register(insightRoutes({ insight, avees }))
  await http.register(
    memoryRoutes({
      memory,
      conversationOf: async (caller, id) => ({ aveeId: (await chat.getConversation(caller, id)).avee_id }),
    }),
  )
  await http.register(chatRoutes({ chat, runs, avees, insight, memory }))
  await http.register(localchatChatRoutes({ chat, runs, avees }))
  await http.register(localchatDocumentRoutes({ knowledge, avees, runs }))
  await http.register(localchatModelRoutes({ models, runs }))
  await http.register(
    localchatStatusRoutes({ database, models, knowledge, avees, version: packageJson.version }),
  )
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
    /** Takes requests, and takes up what an earlier process left unfinished. Returns the address. */
    async listen(): Promise<string> {
      const address = await http.listen({ host: config.server.host, port: config.server.port })
      await runs.open()
      await jobs.open()
      return address
    },
    [Symbol.asyncDispose]: async () => all.disposeAsync(),
  }
}

export type App = Awaited<ReturnType<typeof createApp>>

/**
 * Takes the directory until the server closes. False when another server has it, as several may on one PostgreSQL:
 * this one is then nobody's successor.
 */
function takeDirectory(dataDir: string, parts: AsyncDisposableStack): boolean {
  try {
    const lock = lockDirectory(dataDir)
    parts.defer(() => lock.release())
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'data_dir_in_use') return false
    throw error
  }
}

/** The name of this data directory's server: an earlier process of the same name is dead, as its lock is gone. */
async function nodeIdOf(dataDir: string): Promise<string> {
  const path = join(dataDir, 'node-id')
  const known = await readFile(path, 'utf8').catch(() => '')
  if (known.trim() !== '') return known.trim()
  const fresh = newId()
  await writeFile(path, `${fresh}\n`)
  return fresh
}
