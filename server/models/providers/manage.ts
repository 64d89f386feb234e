import type { createProvider, ModelProvider, updateProvider } from '../../../contract/models.ts'
import type { BodyOf } from '../../../contract/operation.ts'
import { type Database, newId, translateConflict } from '../../db/index.ts'
import type { Encryption } from '../../encryption.ts'
import { keyNeeded, oneInProcessProvider, providerNameTaken, providerNotFound } from '../errors.ts'
import { deleteProviderRow, listProviderRows, type ProviderRow, saveProviderRow } from '../store.ts'
import type { ServiceKind } from '../upstream/service.ts'
import type { Provider } from './provider.ts'
import { type Providers, type Secrets, secretsContext } from './registry.ts'

const defaultBaseUrls: Record<ServiceKind, string> = {
  ollama: 'http://127.0.0.1:11434',
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
}
const hintCharacters = 4
/** The hint would show almost all of a shorter key. */
const minHintedCharacters = 12

/** Adds, changes and tests providers for administrators. */
export function manageProviders({
  database: { db },
  encryption,
  providers,
  reserved,
}: {
  database: Database
  encryption: Encryption
  providers: Providers
  /** Names that a provider cannot have. */
  reserved: string[]
}) {
  async function save(id: string, values: Parameters<typeof saveProviderRow>[2]): Promise<ModelProvider> {
    if (reserved.includes(values.name)) throw providerNameTaken(values.name)
    const row = await saveProviderRow(db, id, values).catch(
      translateConflict({ model_providers_name_key: () => providerNameTaken(values.name) }),
    )
    await providers.changed()
    return presentRow(
      row,
      (await providers.list()).find((provider) => provider.id === row.id),
    )
  }

  function encrypt(id: string, { apiKey, headers = {} }: Secrets): Pick<ProviderRow, 'secrets' | 'key_hint'> {
    const isEmpty = apiKey === undefined && Object.keys(headers).length === 0
    return {
      secrets: isEmpty ? null : encryption.encrypt(JSON.stringify({ apiKey, headers }), secretsContext(id)),
      key_hint: apiKey && apiKey.length >= minHintedCharacters ? apiKey.slice(-hintCharacters) : null,
    }
  }

  async function requireRow(id: string): Promise<ProviderRow> {
    const row = (await listProviderRows(db)).find((each) => each.id === id)
    if (!row) throw providerNotFound()
    return row
  }

  function presentRow(row: ProviderRow, provider: Provider | undefined): ModelProvider {
    const { apiKey, headers = {} } = readSecrets(row)
    return {
      id: row.id,
      name: row.name,
      kind: row.kind,
      base_url: row.base_url,
      remote: provider?.remote ?? true,
      read_only: false,
      has_key: apiKey !== undefined,
      key_hint: row.key_hint,
      header_names: Object.keys(headers),
      models: row.models,
      max_parallel: row.max_parallel,
      prices: row.prices,
      ...health(provider),
    }
  }

  /** Secrets that were encrypted with another key count as missing, so that they can be entered again. */
  function readSecrets(row: ProviderRow): Secrets {
    try {
      return providers.secretsOf(row)
    } catch {
      return {}
    }
  }

  const presentFixed = (provider: Provider): ModelProvider => ({
    id: null,
    name: provider.name,
    kind: provider.kind,
    base_url: provider.service.address,
    remote: provider.remote,
    read_only: true,
    has_key: provider.service.secrets.length > 0,
    key_hint: null,
    header_names: [],
    models: [],
    max_parallel: provider.maxParallel ?? null,
    prices: {},
    ...health(provider),
  })

  return {
    async list(): Promise<ModelProvider[]> {
      const [all, rows] = await Promise.all([providers.list(), listProviderRows(db)])
      return [
        ...all.filter(({ id }) => id === null).map(presentFixed),
        ...rows.map((row) =>
          presentRow(
            row,
            all.find(({ id }) => id === row.id),
          ),
        ),
      ]
    },

    async create(body: BodyOf<typeof createProvider>): Promise<ModelProvider> {
      if (body.kind === 'in_process') throw oneInProcessProvider()
      const id = newId()
      return await save(id, {
        name: body.name,
        kind: body.kind,
        base_url: body.base_url ?? defaultBaseUrls[body.kind],
        models: body.models ?? [],
        max_parallel: body.max_parallel ?? null,
        prices: body.prices ?? {},
        ...encrypt(id, { apiKey: body.api_key ?? undefined, headers: body.headers }),
      })
    },

    async update(id: string, body: BodyOf<typeof updateProvider>): Promise<ModelProvider> {
      const row = await requireRow(id)
      const known = readSecrets(row)
      const isMoved = body.base_url !== undefined && body.base_url !== row.base_url
      const hasHeaders = Object.keys(known.headers ?? {}).length > 0
      if (
        isMoved &&
        ((known.apiKey && body.api_key === undefined) || (hasHeaders && body.headers === undefined))
      )
        throw keyNeeded()
      return await save(id, {
        name: body.name ?? row.name,
        kind: row.kind,
        base_url: body.base_url ?? row.base_url,
        models: body.models ?? row.models,
        max_parallel: body.max_parallel === undefined ? row.max_parallel : body.max_parallel,
        prices: body.prices ?? row.prices,
        ...encrypt(id, {
          apiKey: body.api_key === undefined ? known.apiKey : (body.api_key ?? undefined),
          headers: body.headers ?? known.headers,
        }),
      })
    },

    async delete(id: string): Promise<void> {
      if (!(await deleteProviderRow(db, id))) throw providerNotFound()
      await providers.changed()
    },

    /** Finds a provider by its id or name. */
    async require(id: string): Promise<Provider> {
      const provider = (await providers.list()).find((each) => each.id === id || each.name === id)
      if (!provider) throw providerNotFound()
      return provider
    },
  }
}

function health(provider: Provider | undefined): Pick<ModelProvider, 'status' | 'last_error'> {
  if (!provider)
    return { status: 'error', last_error: 'Its secrets cannot be read. Enter the API key again.' }
  const error = provider.health.lastError() ?? provider.lastListError()
  return { status: error === null ? 'ok' : 'error', last_error: error }
}
export type ManagedProviders = ReturnType<typeof manageProviders>
