import type { AppError } from '../errors.ts'
import { toAppError } from '../errors.ts'
import type { Catalogue } from './catalogue.ts'
import { modelNotInstalled, notAChatModel, ollamaUnavailable, openaiNotConfigured } from './errors.ts'
import { looksLikeChatModel, parseProvider, shortName } from './names.ts'
import type { InstalledModel } from './ollama/api.ts'

const extractive = { provider: 'extractive', name: 'extractive' } as const

/** An available model, or the reason why it is not available. */
export type LocatedModel =
  | { provider: 'ollama'; name: string; installed: InstalledModel }
  | { provider: 'openai'; name: string }
  | typeof extractive
  | { provider: 'none'; problem: AppError }

export type Selection = { located: Exclude<LocatedModel, { provider: 'none' }>; name: string; reason: string }

type Candidate = { name: string; reason: string }

export type SelectionSettings = {
  /** Name of the OpenAI-compatible service in messages, if one is configured. */
  openaiName: string | undefined
  chatModel: string | undefined
  chatModelStrong: string | undefined
  /** Returns the model that an administrator has activated. */
  findActive(): Promise<string | undefined>
}

const openAiDefaults = { normal: 'gpt-4o-mini', strong: 'gpt-4o' }

/** Decides which chat model answers, and explains the decision. */
export function createModelSelector(catalogue: Catalogue, settings: SelectionSettings) {
  /**
   * Locates a model by name. A prefix `ollama/` or `openai/` names the provider; otherwise an installed model takes
   * precedence. `refresh` requests a new list from Ollama before it reports a model as missing.
   */
  async function locate(name: string, refresh: boolean): Promise<LocatedModel> {
    if (name === 'extractive') return extractive
    const requested = parseProvider(name)
    const mayBeServed = requested.provider !== 'ollama' && settings.openaiName !== undefined
    if (requested.provider !== 'openai') {
      const installed = await catalogue.find(requested.name, refresh && !mayBeServed)
      if (installed) {
        const { capabilities } = await catalogue.abilities(installed)
        const canChat = capabilities.includes('completion')
        return canChat ? toOllama(installed) : { provider: 'none', problem: notAChatModel(name) }
      }
    }
    if (mayBeServed) return { provider: 'openai', name: await servedName(name) }
    if (requested.provider === 'openai') return { provider: 'none', problem: openaiNotConfigured(name) }
    return { provider: 'none', problem: await explainMissing(requested.name) }
  }

  /** Removes the provider prefix, unless the service has a model whose own name begins with it. */
  async function servedName(name: string): Promise<string> {
    const requested = parseProvider(name)
    if (requested.provider === undefined) return name
    const served = await catalogue.served()
    return served?.isUp && served.value?.some((model) => model.name === name) ? name : requested.name
  }

  /** Returns the error for a model that is in no provider. */
  async function explainMissing(name: string): Promise<AppError> {
    const state = await catalogue.installed()
    if (!state.isUp) return ollamaUnavailable()
    if (/^(?:gpt-|o\d|chatgpt)/.test(name)) return openaiNotConfigured(name)
    const chats = await catalogue.listByCapability('completion')
    return modelNotInstalled(name, [...chats.map((model) => shortName(model.name)), 'extractive'])
  }

  /** Locates a model that was not requested by name: its service must also be reachable. */
  async function locateUsable(name: string): Promise<LocatedModel> {
    const located = await locate(name, false)
    if (located.provider !== 'openai') return located
    const served = await catalogue.served()
    return served && !served.isUp ? { provider: 'none', problem: toAppError(served.error) } : located
  }

  /** Returns the preferred model if the service has it or has no list, otherwise its first chat model. */
  async function findServed(preferred: string): Promise<Candidate | undefined> {
    const served = await catalogue.served()
    const names = served?.isUp ? served.value?.map((model) => model.name) : undefined
    if (names === undefined || names.includes(preferred))
      return {
        name: preferred,
        reason: `It is the default model of ${settings.openaiName}.`,
      }
    const first = names.find(looksLikeChatModel)
    return first === undefined
      ? undefined
      : { name: first, reason: `It is the first chat model of ${settings.openaiName}.` }
  }

  async function findStrong(): Promise<Candidate | undefined> {
    const { chatModelStrong, openaiName } = settings
    const reason = 'The stronger model was requested'
    if (chatModelStrong !== undefined)
      return { name: chatModelStrong, reason: `${reason} (CHAT_MODEL_STRONG).` }
    if (openaiName === undefined) return undefined
    const served = await findServed(openAiDefaults.strong)
    return served?.name === openAiDefaults.strong
      ? { name: `openai/${openAiDefaults.strong}`, reason: `${reason}.` }
      : undefined
  }

  /** Yields candidates, best first. Later ones are determined only if the earlier ones are not available. */
  async function* candidates(strong: boolean): AsyncGenerator<Candidate> {
    const { chatModel, openaiName } = settings
    const stronger = strong ? await findStrong() : undefined
    if (stronger) yield stronger
    const active = await settings.findActive()
    if (active !== undefined) yield { name: active, reason: 'It is the active model.' }
    if (chatModel !== undefined) yield { name: chatModel, reason: 'CHAT_MODEL names it.' }
    if (openaiName !== undefined) {
      const served = await findServed(openAiDefaults.normal)
      if (served) yield { name: `openai/${served.name}`, reason: served.reason }
    }
  }

  async function selectDefault(strong: boolean): Promise<Selection> {
    const notes: string[] = []
    if (strong && settings.chatModelStrong === undefined && settings.openaiName === undefined)
      notes.push('No stronger model is configured (CHAT_MODEL_STRONG).')
    let hasFailed = false
    for await (const { name, reason } of candidates(strong)) {
      const located = await locateUsable(name)
      if (located.provider !== 'none') return toSelection(located, reason, notes)
      hasFailed = true
      notes.push(`${parseProvider(name).name} cannot be used: ${located.problem.message}`)
    }
    const [first] = await catalogue.listByCapability('completion')
    if (first)
      return toSelection(toOllama(first), 'It is the first chat model that Ollama has installed.', notes)
    if (hasFailed) return toSelection(extractive, 'No language model is available.', notes)
    const ollama = (await catalogue.installed()).isUp
      ? 'Ollama has no chat model installed'
      : 'Ollama does not answer'
    const openai = settings.openaiName === undefined ? ', and no OpenAI key is configured' : ''
    return toSelection(extractive, `No language model is configured: ${ollama}${openai}.`, notes)
  }

  return {
    locate,

    /** Returns the name of the stronger model, or null if none is configured or it is not available. */
    async strongModel(): Promise<string | null> {
      const stronger = await findStrong()
      const located = stronger && (await locateUsable(stronger.name))
      return located && located.provider !== 'none' ? located.name : null
    },

    /** Selects the chat model that answers. Throws if a model was requested by name and is not available. */
    async select(options: { requested?: string | undefined; strong?: boolean }): Promise<Selection> {
      if (options.requested === undefined) return selectDefault(options.strong ?? false)
      const located = await locate(options.requested, true)
      if (located.provider === 'none') throw located.problem
      return toSelection(located, 'It was requested.', [])
    },
  }
}

const toOllama = (installed: InstalledModel) =>
  ({ provider: 'ollama', name: shortName(installed.name), installed }) as const

const toSelection = (located: Selection['located'], reason: string, notes: string[]): Selection => ({
  located,
  name: located.name,
  reason: [reason, ...notes].join(' '),
})
