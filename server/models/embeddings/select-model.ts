import type { Catalogue } from '../catalogue.ts'
import { parseProvider, shortName } from '../names.ts'
import type { InstalledModel } from '../ollama/api.ts'
import { preferenceRank } from './prefixes.ts'

/** Which model embeds; without one, retrieval goes by words alone, and `reason` says why. */
export type EmbeddingSelection =
  | { provider: 'ollama'; name: string; installed: InstalledModel }
  | { provider: 'openai'; name: string }
  | { provider: 'none'; reason: string }

/**
 * The model that EMBED_MODEL names, or else the best of those installed in Ollama. A paid service is used only when it
 * is named: every document would be sent there.
 */
export async function selectEmbeddingModel(
  catalogue: Catalogue,
  settings: { embedModel: string | undefined; ollamaAddress: string; hasOpenAi: boolean },
): Promise<EmbeddingSelection> {
  const ollama = (installed: InstalledModel): EmbeddingSelection => ({
    provider: 'ollama',
    name: shortName(installed.name),
    installed,
  })
  const seen = await catalogue.installed()
  const away = `Ollama at ${settings.ollamaAddress} does not answer`

  if (settings.embedModel !== undefined) {
    const wish = parseProvider(settings.embedModel)
    if (wish.provider !== 'openai') {
      const installed = await catalogue.find(wish.name, false)
      if (installed) return ollama(installed)
    }
    if (wish.provider !== 'ollama' && settings.hasOpenAi) return { provider: 'openai', name: wish.name }
    const why = seen.up ? `it is not installed; pull ${wish.name}` : away
    return { provider: 'none', reason: `EMBED_MODEL names ${wish.name}, but ${why}.` }
  }

  const able = await catalogue.listByCapability('embedding')
  const [best] = able.toSorted((a, b) => preferenceRank(a.name) - preferenceRank(b.name))
  if (best) return ollama(best)
  return {
    provider: 'none',
    reason: seen.up
      ? 'Ollama has no embedding model installed; pull one, for example nomic-embed-text.'
      : `${away}.`,
  }
}
