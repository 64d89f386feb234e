import type { Database } from '../../db/index.ts'
import type { Encryption } from '../../encryption.ts'
import type { Log } from '../../log.ts'
import { listProviderRows, type ProviderRow } from '../store.ts'
import { createService } from '../upstream/service.ts'
import type { Provider } from './provider.ts'

/** The channel of notifications that the providers have changed. */
const channel = 'model_providers'

export type Secrets = { apiKey?: string | undefined; headers?: Record<string, string> | undefined }

export const secretsContext = (id: string) => `model_provider:${id}`

/**
 * The providers: first those of the settings, then those of the database, oldest first. They are cached in memory until
 * a server changes one.
 */
export function createProviders({
  database,
  encryption,
  log,
  fixed,
  create,
}: {
  database: Database
  encryption: Encryption
  log: Log
  /** The providers of the settings. */
  fixed: Provider[]
  create(row: ProviderRow, service: ReturnType<typeof createService>): Provider
}) {
  const added = new Map<string, { provider: Provider; version: string }>()
  let loaded: Promise<Provider[]> | undefined
  let listening: Promise<() => Promise<void>> | undefined
  const forget = () => {
    loaded = undefined
  }

  async function load(): Promise<Provider[]> {
    listening ??= database.listen(channel, forget, forget).catch((error: unknown) => {
      listening = undefined
      throw error
    })
    await listening
    const rows = await listProviderRows(database.db)
    const previous = new Map(added)
    added.clear()
    for (const row of rows) {
      const version = row.updated_at.toISOString()
      const known = previous.get(row.id)
      const provider = known?.version === version ? known.provider : open(row)
      if (provider) added.set(row.id, { provider, version })
    }
    // Running requests can finish.
    for (const [id, { provider }] of previous)
      if (added.get(id)?.provider !== provider) void provider.service.agent.close()
    return [...fixed, ...[...added.values()].map(({ provider }) => provider)]
  }

  function open(row: ProviderRow): Provider | undefined {
    try {
      return create(
        row,
        createService(row.kind, { name: row.name, baseUrl: row.base_url, ...secretsOf(row) }),
      )
    } catch (error) {
      log.error({ err: error, provider: row.name }, 'a provider of models cannot be used')
      return undefined
    }
  }

  function secretsOf({ id, secrets }: ProviderRow): Secrets {
    return secrets === null ? {} : (JSON.parse(encryption.decrypt(secrets, secretsContext(id))) as Secrets)
  }

  return {
    secretsOf,

    async list(): Promise<Provider[]> {
      loaded ??= load().catch((error: unknown) => {
        forget()
        throw error
      })
      return await loaded
    },

    /** Notifies all servers to read the providers again. */
    async changed(): Promise<void> {
      forget()
      await database.notify(database.db, channel, '')
    },

    [Symbol.asyncDispose]: async () => {
      await (await listening?.catch(() => undefined))?.()
      await Promise.all([
        ...fixed.map(({ service }) => service.agent.destroy()),
        ...[...added.values()].map(({ provider }) => provider.service.agent.destroy()),
      ])
    },
  }
}
export type Providers = ReturnType<typeof createProviders>
