import { z } from 'zod'
import type { ProtocolDependencies, ProviderProtocol } from '../providers/protocol.ts'
import { requestJson } from '../upstream/request.ts'
import { createAnthropicChat } from './chat.ts'

const list = z.object({
  data: z.array(z.object({ id: z.string(), max_input_tokens: z.number().int().positive().nullish() })),
})
/** The smallest window of the models that Anthropic lists (models overview). */
const defaultContextTokens = 200_000

/** The models of Anthropic's API. */
export function createAnthropicProtocol(dependencies: ProtocolDependencies): ProviderProtocol {
  const { service, closing } = dependencies
  const limits = new Map<string, number>()
  return {
    freshMs: { up: 300_000, down: 10_000 },

    async list() {
      const path = '/models?limit=1000'
      const { data } = await requestJson(service, list, { path, signal: closing, timeoutMs: 4_000 })
      return data.map((model) => ({
        name: model.id,
        capabilities: ['chat', 'tools', 'json', 'vision'] as const satisfies string[],
        contextLength: model.max_input_tokens ?? defaultContextTokens,
      }))
    },

    chat: (name, model) =>
      createAnthropicChat({
        ...dependencies,
        name,
        capabilities: model?.capabilities ?? ['chat', 'tools', 'json', 'vision'],
        contextTokens: async () => limits.get(name) ?? model?.contextLength ?? defaultContextTokens,
        onContextLimit: (limit) => void limits.set(name, limit),
      }),
  }
}
