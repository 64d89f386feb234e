import { randomUUID } from 'node:crypto'
import { localchatModelRoutes } from '../../server/gateways/localchat/models.ts'
import { createLog } from '../../server/log.ts'
import { type ModelsConfig, models } from '../../server/models/index.ts'
import { runRoutes, runs } from '../../server/runs/index.ts'
import { reopenServer } from '../access/server.ts'
import { createTestClient } from '../client.ts'
import type { TestCluster } from '../runs/cluster.ts'

/** The rooms that models need, behind a listening server with their routes; on the store as it is. */
export async function openModelsServer(
  { database }: TestCluster,
  config: Partial<ModelsConfig> & { ollamaBaseUrl: string },
) {
  const log = createLog('silent')
  const runsRoom = runs({ database, log, nodeId: randomUUID(), graceMs: 0, leaseMs: 500 })
  const room = models({
    db: database.db,
    runs: runsRoom,
    log,
    config: { firstTokenMs: 5_000, stallMs: 5_000, ...config },
  })
  await runsRoom.open()
  const server = await reopenServer(
    database,
    {},
    {
      log,
      routes: async (http) => {
        await http.register(localchatModelRoutes({ models: room, runs: runsRoom }))
        await http.register(
          runRoutes({ runs: runsRoom, visibleScopes: async (_, scopes) => new Set(scopes) }),
        )
      },
    },
  )
  const url = await server.http.listen({ host: '127.0.0.1', port: 0 })
  return {
    client: createTestClient(url),
    models: room,
    runs: runsRoom,
    register: server.register,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await runsRoom[Symbol.asyncDispose]()
      await room[Symbol.asyncDispose]()
    },
  }
}
export type ModelsServer = Awaited<ReturnType<typeof openModelsServer>>
