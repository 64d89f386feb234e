import type { Catalogue } from '../catalogue.ts'
import { parseProvider, shortName } from '../names.ts'
import type { InstalledModel } from '../ollama/api.ts'
import { preferenceRank } from './prefixes.ts'

/** The selected embedding model; without one, search is lexical only for the given reason. */
export type EmbeddingSelection =
  | { provider: 'ollama'; name: string; installed: InstalledModel }
  | { provider: 'openai'; name: string }
  | { provider: 'none'; reason: string }

/**
 * Selects the model that EMBED_MODEL names, otherwise the preferred one of those installed in Ollama. An
 * OpenAI-compatible service is used only if EMBED_MODEL names its model, because every document is sent there.
 */
export async function selectEmbeddingModel(
  catalogue: Catalogue,
  settings: { embedModel: string | undefined; hasOpenAi: boolean },
): Promise<EmbeddingSelection> {
  const ollama = (installed: InstalledModel): EmbeddingSelection => ({
    provider: 'ollama',
    name: shortName(installed.name),
    installed,
  })
  const state = await catalogue.installed()
  const unavailable = 'Ollama does not answer'

  if (settings.embedModel !== undefined) {
    const requested = parseProvider(settings.embedModel)
    if (requested.provider !== 'openai') {
      const installed = await catalogue.find(requested.name, false)
      if (installed) return ollama(installed)
    }
    if (requested.provider !== 'ollama' && settings.hasOpenAi)
      return { provider: 'openai', name: requested.name }
    const problem = state.isUp ? `it is not installed; pull ${requested.name}` : unavailable
    return { provider: 'none', reason: `EMBED_MODEL names ${requested.name}, but ${problem}.` }
  }

  const available = await catalogue.listByCapability('embedding')
  const [best] = available.toSorted((a, b) => preferenceRank(a.name) - preferenceRank(b.name))
  if (best) return ollama(best)
  return {
    provider: 'none',
    reason: state.isUp
      ? 'Ollama has no embedding model installed; pull one, for example nomic-embed-text.'
      : `${unavailable}.`,
  }
}
