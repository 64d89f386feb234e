import type { AppError } from '../errors.ts'
import { toAppError } from '../errors.ts'
import {
  ambiguousModel,
  modelNotInstalled,
  noLocalModel,
  notAChatModel,
  ollamaUnavailable,
  openaiNotConfigured,
} from './errors.ts'
import { looksLikeChatModel, looksLikeEmbeddingModel, shortName, splitId } from './names.ts'
import type { ProviderModel } from './providers/protocol.ts'
import type { Provider } from './providers/provider.ts'

/** A model of a provider; `model` is undefined if the provider does not list it. */
export type ServedModel = { provider: Provider; name: string; model: ProviderModel | undefined }
export const extractive = { provider: undefined, name: 'extractive' } as const

/** An available model, or the reason why it is not available. */
export type LocatedModel = ServedModel | typeof extractive | { problem: AppError }

export type Selection = { located: ServedModel | typeof extractive; reason: string }

type Candidate = { name: string; reason: string }

export type SelectionSettings = {
  /** All providers, those from the settings first. */
  providers(): Promise<Provider[]>
  chatModel: string | undefined
  chatModelStrong: string | undefined
  /** Returns the model that an administrator has activated. */
  findActive(): Promise<string | undefined>
}

export type SelectionOptions = {
  requested?: string | undefined
  strong?: boolean | undefined
  /** Allows only models in the private network. */
  localOnly?: boolean | undefined
  /** Refuses a name that several providers have; true by default. */
  isStrict?: boolean | undefined
}

const openAiDefaults = { normal: 'gpt-4o-mini', strong: 'gpt-4o' }

export const isServed = (located: LocatedModel): located is ServedModel =>
  'provider' in located && located.provider !== undefined

/** Returns the id of a model, which is unique among all providers. */
export const idOf = (located: ServedModel | typeof extractive): string =>
  located.provider ? `${located.provider.name}/${located.name}` : located.name

/** Selects the chat model that answers, and explains the selection. */
export function createModelSelector(settings: SelectionSettings) {
  const openai = async () =>
    (await settings.providers()).find(({ id, name }) => id === null && name === 'openai')

  /** Returns the model of a provider, whether listed or not. */
  async function inProvider(provider: Provider, name: string, refresh: boolean): Promise<ServedModel> {
    const model = await provider.find(name, refresh)
    return { provider, name: provider.kind === 'ollama' ? shortName(model?.name ?? name) : name, model }
  }

  /** Finds the providers that list a model. */
  async function listing(name: string, refresh: boolean): Promise<ServedModel[]> {
    const all = await Promise.all(
      (await settings.providers()).map((provider) =>
        inProvider(provider, name, refresh && provider.isOnDisk),
      ),
    )
    return all.filter(({ model }) => model !== undefined)
  }

  /**
   * Locates a model by its id, `<provider>/<model>`, or by its name alone. `refresh` requests a new list from Ollama
   * before it reports a model as missing; `isStrict` refuses a name that several providers have; otherwise the first
   * one applies.
   */
  async function locate(id: string, options: { refresh: boolean; isStrict: boolean }): Promise<LocatedModel> {
    if (id === 'extractive') return extractive
    const found = await find(id, options)
    if ('problem' in found) return found
    if (found.model?.problem) return { problem: found.model.problem }
    const canChat = found.model
      ? found.model.capabilities.includes('chat')
      : !looksLikeEmbeddingModel(found.name)
    return canChat ? found : { problem: notAChatModel(id) }
  }

  async function find(
    id: string,
    { refresh, isStrict }: { refresh: boolean; isStrict: boolean },
  ): Promise<ServedModel | { problem: AppError }> {
    const providers = await settings.providers()
    const requested = splitId(id)
    const provider = providers.find(({ name }) => name === requested.provider)
    if (provider) {
      const listed = await inProvider(provider, requested.name, false)
      if (listed.model) return listed
      // The name of a model may itself begin with that of its provider.
      const whole = await listing(id, false)
      if (whole[0]) return whole.find((each) => each.provider === provider) ?? whole[0]
      const own = await inProvider(provider, requested.name, refresh)
      return own.model || !provider.isOnDisk
        ? own
        : { problem: await explainMissing(requested.name, provider) }
    }
    const mayBeServed = await unlisted()
    const [first, ...others] = await listing(id, refresh && !mayBeServed)
    if (first && others.length > 0 && isStrict)
      return { problem: ambiguousModel(id, [first, ...others].map(idOf)) }
    if (first) return first
    if (mayBeServed) return { provider: mayBeServed, name: id, model: undefined }
    if (requested.provider === 'openai') return { problem: openaiNotConfigured(id) }
    return { problem: await explainMissing(id, providers[0]) }
  }

  /** Returns the provider that may have unlisted models. */
  async function unlisted(): Promise<Provider | undefined> {
    const configured = await openai()
    if (configured) return configured
    for (const provider of await settings.providers()) {
      const seen = provider.kind === 'openai' ? await provider.models() : undefined
      if (seen?.isUp && seen.value === undefined) return provider
    }
    return undefined
  }

  /** Returns the error for a model that is in no provider. */
  async function explainMissing(name: string, ollama: Provider | undefined): Promise<AppError> {
    const state = await ollama?.models()
    if (!state?.isUp) return ollama?.id === null || !state ? ollamaUnavailable() : toAppError(state.error)
    if (/^(?:gpt-|o\d|chatgpt)/.test(name)) return openaiNotConfigured(name)
    const chats = (await ollama?.withCapability('chat')) ?? []
    return modelNotInstalled(name, [...chats.map((model) => shortName(model.name)), 'extractive'])
  }

  /** Locates a model that was not requested by name: its service must also be reachable. */
  async function locateUsable(name: string): Promise<LocatedModel> {
    const located = await locate(name, { refresh: false, isStrict: false })
    if (!isServed(located) || located.model || located.provider.kind === 'ollama') return located
    const served = await located.provider.models()
    return served.isUp ? located : { problem: toAppError(served.error) }
  }

  /** Returns the preferred model if the service has it or has no list, otherwise its first chat model. */
  async function findServed(provider: Provider, preferred: string): Promise<Candidate | undefined> {
    const served = (await provider.find(preferred, false)) ? undefined : await provider.models()
    const names = served?.isUp ? served.value?.map((model) => model.name) : undefined
    if (names === undefined || names.includes(preferred))
      return { name: preferred, reason: `It is the default model of ${provider.service.name}.` }
    const first = names.find(looksLikeChatModel)
    return first === undefined
      ? undefined
      : { name: first, reason: `It is the first chat model of ${provider.service.name}.` }
  }

  async function findStrong(): Promise<Candidate | undefined> {
    const reason = 'The stronger model was requested'
    if (settings.chatModelStrong !== undefined)
      return { name: settings.chatModelStrong, reason: `${reason} (CHAT_MODEL_STRONG).` }
    const provider = await openai()
    const served = provider && (await findServed(provider, openAiDefaults.strong))
    return served?.name === openAiDefaults.strong
      ? { name: `openai/${openAiDefaults.strong}`, reason: `${reason}.` }
      : undefined
  }

  /** Yields candidates, best first. Later ones are loaded only if the earlier ones are not available. */
  async function* candidates(strong: boolean): AsyncGenerator<Candidate> {
    const stronger = strong ? await findStrong() : undefined
    if (stronger) yield stronger
    const active = await settings.findActive()
    if (active !== undefined) yield { name: active, reason: 'It is the active model.' }
    if (settings.chatModel !== undefined)
      yield { name: settings.chatModel, reason: 'It is the model in CHAT_MODEL.' }
    const provider = await openai()
    const served = provider && (await findServed(provider, openAiDefaults.normal))
    if (served) yield { name: `openai/${served.name}`, reason: served.reason }
  }

  async function selectDefault(strong: boolean, localOnly: boolean): Promise<Selection> {
    const notes: string[] = []
    const configured = await openai()
    if (strong && settings.chatModelStrong === undefined && !configured)
      notes.push('No stronger model is configured (CHAT_MODEL_STRONG).')
    let hasFailed = false
    for await (const { name, reason } of candidates(strong)) {
      const located = await locateUsable(name)
      const isRefused = localOnly && isServed(located) && located.provider.remote
      if (!('problem' in located) && !isRefused) return toSelection(located, reason, notes)
      hasFailed = true
      const { name: shown } = splitId(name)
      notes.push(
        'problem' in located
          ? `${shown} cannot be used: ${located.problem.message}`
          : `${shown} is outside the private network, and this is local only.`,
      )
    }
    const providers = await settings.providers()
    const ordered = [
      ...providers.filter(({ kind }) => kind === 'ollama'),
      ...providers.filter(({ id, kind, remote }) => id !== null && kind !== 'ollama' && !remote),
      ...providers.filter(({ kind }) => kind === 'in_process'),
      ...providers.filter(({ id, kind, remote }) => id !== null && kind !== 'ollama' && remote),
    ]
    for (const provider of ordered) {
      if (localOnly && provider.remote) continue
      const [first] = await provider.withCapability('chat')
      if (!first) continue
      const located = await inProvider(provider, first.name, false)
      const which = provider.kind === 'ollama' ? 'that Ollama has installed' : `of ${provider.service.name}`
      return toSelection(located, `It is the first chat model ${which}.`, notes)
    }
    if (hasFailed) return toSelection(extractive, 'No language model is available.', notes)
    const ollama = (await providers[0]?.models())?.isUp
      ? 'Ollama has no chat model installed'
      : 'Ollama does not answer'
    const keys = configured ? '' : ', and no OpenAI key is configured'
    return toSelection(extractive, `No language model is configured: ${ollama}${keys}.`, notes)
  }

  return {
    locate,
    find,

    /** Returns the name of the stronger model, or null if none is configured or it is not available. */
    async strongModel(): Promise<string | null> {
      const stronger = await findStrong()
      const located = stronger && (await locateUsable(stronger.name))
      return located && !('problem' in located) ? located.name : null
    },

    /** Selects the chat model that answers. Throws if a model was requested by name and is not available. */
    async select({
      requested,
      strong = false,
      localOnly = false,
      isStrict = true,
    }: SelectionOptions): Promise<Selection> {
      if (requested === undefined) return selectDefault(strong, localOnly)
      const located = await locate(requested, { refresh: true, isStrict })
      if ('problem' in located) throw located.problem
      if (localOnly && isServed(located) && located.provider.remote) throw noLocalModel(requested)
      return toSelection(located, 'It was requested.', [])
    },
  }
}

const toSelection = (located: Selection['located'], reason: string, notes: string[]): Selection => ({
  located,
  reason: [reason, ...notes].join(' '),
})
export type ModelSelector = ReturnType<typeof createModelSelector>
