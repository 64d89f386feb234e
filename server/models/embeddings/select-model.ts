import { shortName, splitId } from '../names.ts'
import type { Provider } from '../providers/provider.ts'
import type { createModelSelector, ServedModel } from '../select-model.ts'
import { preferenceRank } from './prefixes.ts'

/** The selected embedding model; without one, search is lexical only for the given reason. */
export type EmbeddingSelection = ServedModel | { reason: string }

/**
 * Selects the model in EMBED_MODEL. Without it, selects the preferred model of those in this process, which an
 * administrator has downloaded for this, or of the first Ollama that has any. Other services are used only if
 * EMBED_MODEL is one of their models, because every document is sent there.
 */
export async function selectEmbeddingModel(
  providers: Provider[],
  find: ReturnType<typeof createModelSelector>['find'],
  embedModel: string | undefined,
): Promise<EmbeddingSelection> {
  if (embedModel !== undefined) {
    const found = await find(embedModel, { refresh: false, isStrict: false })
    if (!('problem' in found) && found.provider.embed) return found
    const { name } = providers.some((provider) => provider.name === splitId(embedModel).provider)
      ? splitId(embedModel)
      : { name: embedModel }
    const isUp = (await providers[0]?.models())?.isUp
    const problem = isUp ? `it is not installed; pull ${name}` : 'Ollama does not answer'
    return { reason: `EMBED_MODEL is ${name}, but ${problem}.` }
  }
  const onDisk = providers
    .filter(({ isOnDisk }) => isOnDisk)
    .toSorted((a, b) => Number(a.kind === 'ollama') - Number(b.kind === 'ollama'))
  for (const provider of onDisk) {
    const available = await provider.withCapability('embed')
    const [best] = available.toSorted((a, b) => preferenceRank(a.name) - preferenceRank(b.name))
    if (best) return { provider, name: shortName(best.name), model: best }
  }
  return {
    reason: (await providers[0]?.models())?.isUp
      ? 'Ollama has no embedding model installed; pull one, for example nomic-embed-text.'
      : 'Ollama does not answer.',
  }
}
