import { isAway } from './providers/health.ts'
import type { Provider } from './providers/provider.ts'
import { type createModelSelector, idOf, isServed, type Selection, type ServedModel } from './select-model.ts'

/** The models that the default order takes of a provider other than Ollama, which may list hundreds. */
const maxOfService = 3

/** Returns the ids of the chat models in the order in which they are asked by default: local ones first. */
export async function defaultFallbacks(providers: Provider[]): Promise<string[]> {
  const all = await Promise.all(
    providers.map(async (provider) => {
      const chats = await provider.withCapability('chat')
      return { provider, chats: provider.kind === 'ollama' ? chats : chats.slice(0, maxOfService) }
    }),
  )
  return all
    .toSorted((a, b) => Number(a.provider.remote) - Number(b.provider.remote))
    .flatMap(({ provider, chats }) => chats.map(({ name }) => `${provider.name}/${name}`))
}

/**
 * Selects the model to ask after `failed`, whose provider could not be reached. Of that provider, and of those that
 * failed before, no model is asked. Returns undefined if there is none, or if `error` has another reason.
 */
export async function selectFallback(
  failed: Selection & { located: ServedModel },
  error: unknown,
  options: {
    order: string[]
    localOnly: boolean
    excluded: Set<Provider>
    locate: ReturnType<typeof createModelSelector>['locate']
  },
): Promise<(Selection & { located: ServedModel }) | undefined> {
  if (!isAway(error)) return undefined
  options.excluded.add(failed.located.provider)
  for (const id of options.order) {
    const located = await options.locate(id, { refresh: false, isStrict: true })
    if (!isServed(located) || options.excluded.has(located.provider)) continue
    if (located.provider.health.isPaused() || (options.localOnly && located.provider.remote)) continue
    const fallbackFrom = failed.fallbackFrom ?? idOf(failed.located)
    return { located, reason: `${fallbackFrom} is not available, so this model answers.`, fallbackFrom }
  }
  return undefined
}
