import { createLog } from '../../server/log.ts'
import { createProvider, type Provider } from '../../server/models/providers/provider.ts'
import { createTokenCounter } from '../../server/models/tokens.ts'
import {
  createOllamaService,
  createOpenAiService,
  type ModelService,
  type ServiceKind,
} from '../../server/models/upstream/service.ts'

const { signal } = new AbortController()

const open = (kind: ServiceKind, service: ModelService, contextTokens?: number): Provider =>
  createProvider({ id: null, name: kind }, kind, {
    service,
    closing: signal,
    log: createLog('silent'),
    tokens: createTokenCounter(),
    timeouts: { firstTokenMs: 5_000, stallMs: 5_000 },
    contextTokens,
  })

/** The providers of the settings, as created by the server. */
export const ollamaProvider = (url: string, contextTokens?: number): Provider =>
  open('ollama', createOllamaService(url), contextTokens)
export const openAiProvider = (baseUrl: string): Provider =>
  open('openai', createOpenAiService({ baseUrl, apiKey: 'sk-a' }))
