import { z } from 'zod'
import type { EmbedBatch } from '../embeddings/embedder.ts'
import type { Capability } from '../port.ts'
import type { ProtocolDependencies, ProviderProtocol } from '../providers/protocol.ts'
import { requestJson } from '../upstream/request.ts'
import { createGoogleChat } from './chat.ts'

const list = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      inputTokenLimit: z.number().int().positive().nullish(),
      supportedGenerationMethods: z.array(z.string()).nullish(),
      thinking: z.boolean().nullish(),
    }),
  ),
})
const embeddings = z.object({ embeddings: z.array(z.object({ values: z.array(z.number()) })) })

const defaultContextTokens = 32_768
/** The input limit of Google's text embedding models (models overview). */
const embeddingTextTokens = 2_048

/** The models of Google's Generative Language API. */
export function createGoogleProtocol(dependencies: ProtocolDependencies): ProviderProtocol {
  const { service, closing } = dependencies
  const limits = new Map<string, number>()
  return {
    freshMs: { up: 300_000, down: 10_000 },

    async list() {
      const path = '/models?pageSize=1000'
      const { models } = await requestJson(service, list, { path, signal: closing, timeoutMs: 4_000 })
      return models.map((model) => ({
        name: model.name.replace(/^models\//, ''),
        capabilities: capabilitiesOf(model.supportedGenerationMethods ?? [], model.thinking ?? false),
        contextLength: model.inputTokenLimit ?? null,
      }))
    },

    chat: (name, model) =>
      createGoogleChat({
        ...dependencies,
        name,
        capabilities: model?.capabilities ?? capabilitiesOf(['generateContent'], false),
        contextTokens: async () => limits.get(name) ?? model?.contextLength ?? defaultContextTokens,
        onContextLimit: (limit) => void limits.set(name, limit),
      }),

    embed(name, model, timeoutMs) {
      const batch: EmbedBatch = async (texts, signal) => {
        const answer = await requestJson(service, embeddings, {
          method: 'POST',
          path: `/models/${encodeURIComponent(name)}:batchEmbedContents`,
          body: {
            requests: texts.map((text) => ({ model: `models/${name}`, content: { parts: [{ text }] } })),
          },
          signal,
          timeoutMs,
        })
        return answer.embeddings.map(({ values }) => values)
      }
      return { textTokens: model?.contextLength ?? embeddingTextTokens, batch }
    },
  }
}

function capabilitiesOf(methods: string[], thinks: boolean): Capability[] {
  if (methods.includes('generateContent'))
    return ['chat', 'tools', 'json', 'vision', ...(thinks ? (['thinking'] as const) : [])]
  return methods.some((method) => method.toLowerCase().includes('embedcontent')) ? ['embed'] : []
}
