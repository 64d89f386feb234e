import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskSpace } from '../../server/disk-space.ts'
import { createEncryption } from '../../server/encryption.ts'
import { localchatModelRoutes } from '../../server/gateways/localchat/models.ts'
import { createLog } from '../../server/log.ts'
import { models as createModels, type ModelsConfig, modelRoutes } from '../../server/models/index.ts'
import { runs as createRuns, runRoutes } from '../../server/runs/index.ts'
import { reopenServer } from '../access/server.ts'
import { createTestClient } from '../client.ts'
import type { TestCluster } from '../runs/cluster.ts'

/** No models, and no hub. */
const noInProcess = {
  directory: join(tmpdir(), randomUUID()),
  hubUrl: 'http://127.0.0.1:9',
  chatEngine: { directory: join(tmpdir(), randomUUID()), npmEnv: {} },
}

/** Starts a server with the model routes and the modules that they need, without emptying the database. */
export async function openModelsServer(
  { database }: TestCluster,
  config: Partial<ModelsConfig> & { ollamaBaseUrl: string },
) {
  const log = createLog('silent')
  const runs = createRuns({ database, log, nodeId: randomUUID(), graceMs: 0, leaseMs: 500 })
  const models = createModels({
    database,
    runs,
    log,
    encryption: createEncryption('a key for tests, never used elsewhere'),
    disk: diskSpace(tmpdir(), 0),
    config: { firstTokenMs: 5_000, stallMs: 5_000, inProcess: noInProcess, ...config },
  })
  await runs.open()
  const server = await reopenServer(
    database,
    {},
    {
      log,
      routes: async (http) => {
        await http.register(modelRoutes({ models, runs }))
        await http.register(localchatModelRoutes({ models, runs }))
        await http.register(runRoutes({ runs, visibleScopes: async (_, scopes) => new Set(scopes) }))
      },
    },
  )
  const url = await server.http.listen({ host: '127.0.0.1', port: 0 })
  return {
    client: createTestClient(url),
    models,
    runs,
    register: server.register,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await runs[Symbol.asyncDispose]()
      await models[Symbol.asyncDispose]()
    },
  }
}
export type ModelsServer = Awaited<ReturnType<typeof openModelsServer>>
