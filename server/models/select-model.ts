import type { AppError } from '../errors.ts'
import { toAppError } from '../errors.ts'
import type { Catalogue } from './catalogue.ts'
import { modelNotInstalled, notAChatModel, ollamaUnavailable, openaiNotConfigured } from './errors.ts'
import { looksLikeChatModel, parseProvider, shortName } from './names.ts'
import type { InstalledModel } from './ollama/api.ts'

/** A model that is there, or why it is not. */
export type LocatedModel =
  | { provider: 'ollama'; installed: InstalledModel }
  | { provider: 'openai'; name: string }
  | { provider: 'extractive' }
  | { provider: 'none'; problem: AppError }

export type Selection = { located: Exclude<LocatedModel, { provider: 'none' }>; name: string; reason: string }

export type SelectionSettings = {
  ollamaAddress: string
  /** The host of the OpenAI-compatible service, where one is configured. */
  openaiHost: string | undefined
  chatModel: string | undefined
  chatModelStrong: string | undefined
  /** The model set through the Models screen. */
  active(): Promise<string | undefined>
}

const openAiPair = { usual: 'gpt-4o-mini', strong: 'gpt-4o' }

export function createModelSelector(catalogue: Catalogue, settings: SelectionSettings) {
  /**
   * Where a model of that name is. A prefix `ollama/` or `openai/` decides; otherwise what is installed comes first.
   * With `insist`, Ollama is asked anew before the answer is no.
   */
  async function locate(name: string, insist: boolean): Promise<LocatedModel> {
    if (name === 'extractive') return { provider: 'extractive' }
    const wish = parseProvider(name)
    const elsewhere = wish.provider !== 'ollama' && settings.openaiHost !== undefined
    if (wish.provider !== 'openai') {
      const installed = await catalogue.find(wish.name, insist && !elsewhere)
      if (installed) {
        const { capabilities } = await catalogue.abilities(installed)
        const chats = capabilities.includes('completion')
        return chats ? { provider: 'ollama', installed } : { provider: 'none', problem: notAChatModel(name) }
      }
    }
    if (elsewhere) return { provider: 'openai', name: await servedName(name) }
    if (wish.provider === 'openai') return { provider: 'none', problem: openaiNotConfigured(name) }
    return { provider: 'none', problem: await notThere(wish.name) }
  }

  /** Some services have models whose own names begin with `openai/`. */
  async function servedName(name: string): Promise<string> {
    const wish = parseProvider(name)
    if (wish.provider === undefined) return name
    const served = await catalogue.served()
    return served?.up && served.told?.some((model) => model.name === name) ? name : wish.name
  }

  async function notThere(name: string): Promise<AppError> {
    const seen = await catalogue.installed()
    if (!seen.up) return ollamaUnavailable(settings.ollamaAddress)
    if (/^(?:gpt-|o\d|chatgpt)/.test(name)) return openaiNotConfigured(name)
    const chats = await catalogue.listByCapability('completion')
    return modelNotInstalled(name, [...chats.map((model) => shortName(model.name)), 'extractive'])
  }

  /** A service that is away is not worth a failing answer when nobody asked for this very model. */
  async function usable(name: string): Promise<LocatedModel> {
    const located = await locate(name, false)
    if (located.provider !== 'openai') return located
    const served = await catalogue.served()
    return served && !served.up ? { provider: 'none', problem: toAppError(served.error) } : located
  }

  /** The usual name where the service has it (or has no list), otherwise the first of its chat models. */
  async function defaultServed(usual: string): Promise<{ name: string; why: string } | undefined> {
    const served = await catalogue.served()
    const names = served?.up ? served.told?.map((model) => model.name) : undefined
    if (names === undefined || names.includes(usual))
      return { name: usual, why: `${settings.openaiHost} is configured, and it is the usual model there.` }
    const first = names.find(looksLikeChatModel)
    return first === undefined
      ? undefined
      : { name: first, why: `It is the first chat model that ${settings.openaiHost} lists.` }
  }

  type Candidate = { name: string; why: string }

  /** Whom to ask, best first. Each is worked out only when those before it are not there. */
  async function* candidates(strong: boolean): AsyncGenerator<Candidate> {
    const { chatModel, chatModelStrong, openaiHost } = settings
    if (strong) {
      const why = 'The stronger model was asked for'
      if (chatModelStrong !== undefined) yield { name: chatModelStrong, why: `${why} (CHAT_MODEL_STRONG).` }
      else if (openaiHost !== undefined) {
        const served = await defaultServed(openAiPair.strong)
        if (served?.name === openAiPair.strong) yield { name: `openai/${openAiPair.strong}`, why: `${why}.` }
      }
    }
    const active = await settings.active()
    if (active !== undefined) yield { name: active, why: 'It is the active model.' }
    if (chatModel !== undefined) yield { name: chatModel, why: 'CHAT_MODEL names it.' }
    if (openaiHost !== undefined) {
      const served = await defaultServed(openAiPair.usual)
      if (served) yield { name: `openai/${served.name}`, why: served.why }
    }
  }

  async function automatic(strong: boolean): Promise<Selection> {
    const notes: string[] = []
    if (strong && settings.chatModelStrong === undefined && settings.openaiHost === undefined)
      notes.push('No stronger model is set up (CHAT_MODEL_STRONG).')
    let failed = false
    for await (const { name, why } of candidates(strong)) {
      const located = await usable(name)
      if (located.provider !== 'none') return choice(located, why, notes)
      failed = true
      notes.push(`${parseProvider(name).name} cannot be used: ${located.problem.message}`)
    }
    const [first] = await catalogue.listByCapability('completion')
    if (first)
      return choice(
        { provider: 'ollama', installed: first },
        'It is the first chat model that Ollama has installed.',
        notes,
      )
    if (failed) return choice({ provider: 'extractive' }, 'No language model can be used.', notes)
    const ollama = (await catalogue.installed()).up
      ? 'Ollama has no chat model installed'
      : `Ollama at ${settings.ollamaAddress} does not answer`
    const openai = settings.openaiHost === undefined ? ', and no OpenAI key is configured' : ''
    return choice({ provider: 'extractive' }, `No language model is set up: ${ollama}${openai}.`, notes)
  }

  return {
    locate,

    /** The chat model that answers and why. Throws when one was asked for by name and is not there. */
    async choose(wish: { requested?: string; strong?: boolean }): Promise<Selection> {
      if (wish.requested === undefined) return automatic(wish.strong ?? false)
      const located = await locate(wish.requested, true)
      if (located.provider === 'none') throw located.problem
      return choice(located, 'It was asked for.', [])
    },
  }
}

function choice(located: Selection['located'], why: string, notes: string[]): Selection {
  const name =
    located.provider === 'ollama'
      ? shortName(located.installed.name)
      : located.provider === 'openai'
        ? located.name
        : 'extractive'
  return { located, name, reason: [why, ...notes].join(' ') }
}
