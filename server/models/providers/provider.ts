import type { ProviderKind } from '../../../contract/models.ts'
import { toAppError } from '../../errors.ts'
import { createAnthropicProtocol } from '../anthropic/provider.ts'
import { createGoogleProtocol } from '../google/provider.ts'
import { isSameModel } from '../names.ts'
import { createOllamaProtocol } from '../ollama/provider.ts'
import { createOpenAiProtocol } from '../openai-compatible/provider.ts'
import type { Capability } from '../port.ts'
import type { ModelService, ServiceKind } from '../upstream/service.ts'
import { cacheServiceState, type ServiceState } from '../upstream/service-state.ts'
import { createHealth } from './health.ts'
import type { ProtocolDependencies, ProviderModel, ProviderProtocol, ProviderSettings } from './protocol.ts'

const protocols: Record<ServiceKind, (dependencies: ProtocolDependencies) => ProviderProtocol> = {
  ollama: createOllamaProtocol,
  openai: createOpenAiProtocol,
  anthropic: createAnthropicProtocol,
  google: createGoogleProtocol,
}

/** Creates the provider of a service. */
export const createProvider = (
  settings: ProviderSettings,
  kind: ServiceKind,
  dependencies: Omit<ProtocolDependencies, 'provider'>,
) =>
  createProviderWith(
    settings,
    kind,
    dependencies.service,
    protocols[kind]({ ...dependencies, provider: settings.name }),
  )

/** A provider of models with its cached state. Lists are shared, cached for seconds and never throw. */
export function createProviderWith(
  settings: ProviderSettings,
  kind: ProviderKind,
  service: ModelService,
  protocol: ProviderProtocol,
) {
  const { models: configured = [] } = settings
  const state = cacheServiceState(async () => offered(await protocol.list()), protocol.freshMs)
  const isNamed = kind === 'ollama' ? isSameModel : (a: string, b: string) => a === b

  function offered(listed: ProviderModel[] | undefined): ProviderModel[] | undefined {
    if (configured.length === 0) return listed
    return configured.map(({ id, context_length, capabilities }) => {
      const known = listed?.find((model) => isNamed(model.name, id))
      return {
        ...known,
        name: id,
        capabilities: capabilities ?? known?.capabilities ?? ['chat', 'tools', 'json'],
        contextLength: context_length ?? known?.contextLength ?? null,
      }
    })
  }
  const among = (seen: ServiceState<ProviderModel[] | undefined>, model: string) =>
    seen.isUp ? seen.value?.find((each) => isNamed(each.name, model)) : undefined

  /** Returns the list; a previous one if one of its models matches. */
  const listWith = async (matches: (model: ProviderModel) => boolean) =>
    state.get((models) => models?.some(matches) ?? false)

  return {
    ...settings,
    kind,
    service,
    remote: service.remote,
    health: createHealth(),
    /** Whether its models are files that can be deleted; its list is then complete. */
    isOnDisk: kind === 'ollama' || kind === 'in_process',
    /** Returns the models, or the error; the value is undefined if the provider has no list. */
    models: () => state.get(),
    /** The same without the cache. */
    refresh: () => state.refresh(),
    /** Discards the cached list. */
    invalidate: () => state.clear(),

    /** Returns why the last list could not be read. */
    lastListError(): string | null {
      const last = state.last()
      return last && !last.isUp ? toAppError(last.error).message : null
    },

    /** Finds a model by name. `refresh` requests a new list before it reports a model as missing. */
    async find(model: string, refresh: boolean): Promise<ProviderModel | undefined> {
      const listed = among(await listWith(({ name }) => isNamed(name, model)), model)
      return listed ?? (refresh ? among(await state.refresh(), model) : undefined)
    },

    /** Lists the models with a capability, in the order of the provider. */
    async withCapability(capability: Capability): Promise<ProviderModel[]> {
      const isCapable = ({ capabilities }: ProviderModel) => capabilities.includes(capability)
      const seen = await listWith(isCapable)
      return (seen.isUp ? (seen.value ?? []) : []).filter(isCapable)
    },

    chat: protocol.chat,
    embed: protocol.embed,
  }
}
export type Provider = ReturnType<typeof createProviderWith>
