import type { Provider } from './providers/provider.ts'
import { type createModelSelector, isServed, type ServedModel } from './select-model.ts'

/** The number of models in the default order from each provider other than Ollama, which may list hundreds. */
const maxOfService = 3

/** Returns the ids of the chat models in the default fallback order: local ones first. */
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
 * Finds the first model of `order` that can answer instead. Skips models of providers that have failed or are paused.
 */
export async function findFallback(
  order: string[],
  {
    failed,
    localOnly,
    locate,
    fits,
  }: {
    failed: Set<Provider>
    localOnly: boolean
    locate: ReturnType<typeof createModelSelector>['locate']
    fits(located: ServedModel): Promise<boolean>
  },
): Promise<ServedModel | undefined> {
  for (const id of order) {
    const located = await locate(id, { refresh: false, isStrict: true })
    if (!isServed(located) || failed.has(located.provider)) continue
    if (located.provider.health.isPaused() || (localOnly && located.provider.remote)) continue
    if (await fits(located)) return located
  }
  return undefined
}
