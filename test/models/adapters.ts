import { createAnthropicChat } from '../../server/models/anthropic/chat.ts'
import { createGoogleChat } from '../../server/models/google/chat.ts'
import { createOllamaChat } from '../../server/models/ollama/chat.ts'
import { createOpenAiChat } from '../../server/models/openai-compatible/chat.ts'
import { createSupportedParameters } from '../../server/models/openai-compatible/parameters.ts'
import type { ChatModel } from '../../server/models/port.ts'
import { createTokenCounter } from '../../server/models/tokens.ts'
import {
  createOllamaService,
  createOpenAiService,
  createService,
} from '../../server/models/upstream/service.ts'
import type { Timeouts } from '../../server/models/upstream/timeouts.ts'
import { googleChatPath, startAnthropic, startGoogle, startOllama, startOpenAi } from '../model-servers.ts'

export const apiKey = 'sk-test-0123456789abcdef'
const timeouts: Timeouts = { firstTokenMs: 5_000, stallMs: 5_000, retryMs: 20 }

type Options = { port?: number; strict?: boolean }

const common = (more: Partial<Timeouts>) => ({
  timeouts: { ...timeouts, ...more },
  tokens: createTokenCounter(),
  capabilities: ['chat', 'tools', 'json', 'vision'] as const,
  contextTokens: async () => 8_192,
  onContextLimit: () => {},
})

/** Each protocol with its scripted server and a model that uses it. */
export const adapters = [
  {
    protocol: 'ollama',
    name: 'Ollama',
    path: '/api/chat',
    start: (options: Options = {}) => startOllama({ strict: true, ...options }),
    model: (url: string, more: Partial<Timeouts> = {}): ChatModel =>
      createOllamaChat({
        provider: 'ollama',
        service: createOllamaService(url),
        name: 'llama3.2:1b',
        ...common(more),
        numCtx: async () => 8_192,
      }),
  },
  {
    protocol: 'openai',
    name: 'an OpenAI-compatible service',
    path: '/v1/chat/completions',
    start: (options: Options = {}) => startOpenAi({ strict: true, apiKey, ...options }),
    model: (baseUrl: string, more: Partial<Timeouts> = {}): ChatModel =>
      createOpenAiChat({
        provider: 'openai',
        service: createOpenAiService({ baseUrl, apiKey }),
        name: 'gpt-4o-mini',
        ...common(more),
        parameters: createSupportedParameters(),
      }),
  },
  {
    protocol: 'anthropic',
    name: 'Anthropic',
    path: '/v1/messages',
    start: (options: Options = {}) => startAnthropic({ strict: true, apiKey, ...options }),
    model: (baseUrl: string, more: Partial<Timeouts> = {}): ChatModel =>
      createAnthropicChat({
        ...common(more),
        provider: 'anthropic',
        service: createService('anthropic', { name: 'anthropic', baseUrl, apiKey }),
        name: 'claude-sonnet-4-5',
      }),
  },
  {
    protocol: 'google',
    name: 'Google',
    path: googleChatPath,
    start: (options: Options = {}) => startGoogle({ strict: true, apiKey, ...options }),
    model: (baseUrl: string, more: Partial<Timeouts> = {}): ChatModel =>
      createGoogleChat({
        ...common(more),
        provider: 'google',
        service: createService('google', { name: 'google', baseUrl, apiKey }),
        name: 'gemini-2.5-flash',
      }),
  },
] as const
