import { guessCapabilities } from '../names.ts'
import type { ProtocolDependencies, ProviderProtocol } from '../providers/protocol.ts'
import { listServed } from './api.ts'
import { createOpenAiChat } from './chat.ts'
import { createServedContexts } from './context.ts'
import { createOpenAiEmbed } from './embed.ts'
import { createSupportedParameters, type SupportedParameters } from './parameters.ts'

/** Below the 8,191 input tokens of OpenAI's embedding models (API reference, "Create embeddings"). */
const embeddingTextTokens = 8_000

/** The models of a service with OpenAI's API. */
export function createOpenAiProtocol(dependencies: ProtocolDependencies): ProviderProtocol {
  const { provider, service, closing, timeouts, tokens } = dependencies
  const contexts = createServedContexts(dependencies.contextTokens)
  const parametersByModel = new Map<string, SupportedParameters>()
  return {
    freshMs: { up: 300_000, down: 10_000 },
    list: () => listServed(service, closing),

    chat(name, model) {
      const parameters = parametersByModel.get(name) ?? createSupportedParameters()
      parametersByModel.set(name, parameters)
      return createOpenAiChat({
        provider,
        service,
        name,
        timeouts,
        tokens,
        parameters,
        capabilities: model?.capabilities ?? guessCapabilities(name),
        contextTokens: async () => contexts.get(name, model?.contextLength ?? null),
        onContextLimit: (limit) => contexts.lower(name, limit),
      })
    },

    embed: (name, _model, timeoutMs) => ({
      textTokens: embeddingTextTokens,
      batch: createOpenAiEmbed(service, name, { timeoutMs }),
    }),
  }
}
