import { describe, expect, test, vi } from 'vitest'
import { defaultModels, type ScriptedModel, startOllama, startOpenAi } from '../../test/model-servers.ts'
import { ollamaProvider, openAiProvider } from '../../test/models/providers.ts'
import { AppError } from '../errors.ts'
import { createModelSelector, type SelectionSettings } from './select-model.ts'

/** A port that nothing listens on. */
const unreachable = 'http://127.0.0.1:2'
const embedOnly: ScriptedModel = { name: 'nomic-embed-text:latest', capabilities: ['embedding'] }

type Environment = {
  /** Models installed in Ollama; null if it is unavailable. */
  installed: ScriptedModel[] | null
  /** Models that the service lists; null if it is unavailable, undefined if none is configured. */
  served?: string[] | null
  active?: string
} & Partial<Pick<SelectionSettings, 'chatModel' | 'chatModelStrong'>>

const selections: {
  condition: string
  environment: Environment
  requested?: string
  strong?: boolean
  expected: string
  reason: RegExp
}[] = [
  {
    condition: 'nothing is set up',
    environment: { installed: null },
    expected: 'extractive/extractive',
    reason: /^No language model is configured: Ollama does not answer, and no OpenAI key is configured\.$/,
  },
  {
    condition: 'Ollama has only an embedding model',
    environment: { installed: [embedOnly] },
    expected: 'extractive/extractive',
    reason: /Ollama has no chat model installed/,
  },
  {
    condition: 'Ollama has models',
    environment: { installed: defaultModels() },
    expected: 'ollama/llama3.2:1b',
    reason: /^It is the first chat model that Ollama has installed\.$/,
  },
  {
    condition: 'a key is configured in addition to Ollama',
    environment: { installed: defaultModels(), served: ['gpt-4o-mini', 'gpt-4o'] },
    expected: 'openai/gpt-4o-mini',
    reason: /the default model of/,
  },
  {
    condition: 'only a local service with other models is configured',
    environment: { installed: null, served: ['text-embedder', 'qwen3-32b'] },
    expected: 'openai/qwen3-32b',
    reason: /the first chat model of the model service/,
  },
  {
    condition: 'the configured service is unavailable and Ollama is available',
    environment: { installed: defaultModels(), served: null },
    expected: 'ollama/llama3.2:1b',
    reason: /gpt-4o-mini cannot be used: .*connection refused/,
  },
  {
    condition: 'CHAT_MODEL names an installed model',
    environment: { installed: defaultModels(), served: ['gpt-4o-mini'], chatModel: 'llama3.2:1b' },
    expected: 'ollama/llama3.2:1b',
    reason: /the model in CHAT_MODEL/,
  },
  {
    condition: 'CHAT_MODEL names a served model',
    environment: { installed: defaultModels(), served: ['gpt-4o-mini', 'gpt-5'], chatModel: 'gpt-5' },
    expected: 'openai/gpt-5',
    reason: /the model in CHAT_MODEL/,
  },
  {
    condition: 'CHAT_MODEL names a model that is not installed',
    environment: { installed: [], chatModel: 'llama3.2:1b' },
    expected: 'extractive/extractive',
    reason: /llama3\.2:1b cannot be used: .*Pull it/,
  },
  {
    condition: 'another model than CHAT_MODEL is active',
    environment: {
      installed: [...defaultModels(), { name: 'qwen3:4b', capabilities: ['completion'] }],
      chatModel: 'llama3.2:1b',
      active: 'qwen3:4b',
    },
    expected: 'ollama/qwen3:4b',
    reason: /^It is the active model\.$/,
  },
  {
    condition: 'the active model is extractive',
    environment: { installed: defaultModels(), active: 'extractive' },
    expected: 'extractive/extractive',
    reason: /^It is the active model\.$/,
  },
  {
    condition: 'the stronger model is requested and configured',
    environment: {
      installed: [...defaultModels(), { name: 'qwen3:32b', capabilities: ['completion'] }],
      chatModelStrong: 'qwen3:32b',
      active: 'llama3.2:1b',
    },
    strong: true,
    expected: 'ollama/qwen3:32b',
    reason: /^The stronger model was requested/,
  },
  {
    condition: 'the stronger model is requested and a key is configured',
    environment: { installed: null, served: ['gpt-4o-mini', 'gpt-4o'] },
    strong: true,
    expected: 'openai/gpt-4o',
    reason: /^The stronger model was requested/,
  },
  {
    condition: 'the stronger model is requested and none is configured',
    environment: { installed: defaultModels() },
    strong: true,
    expected: 'ollama/llama3.2:1b',
    reason: /No stronger model is configured \(CHAT_MODEL_STRONG\)/,
  },
  {
    condition: 'a model is requested by name',
    environment: { installed: defaultModels(), served: ['gpt-4o-mini'], active: 'gpt-4o-mini' },
    requested: 'llama3.2:1b',
    expected: 'ollama/llama3.2:1b',
    reason: /^It was requested\.$/,
  },
  {
    condition: 'a model is requested in capitals and without its tag',
    environment: { installed: [{ name: 'mistral:latest', capabilities: ['completion'] }] },
    requested: 'Mistral',
    expected: 'ollama/mistral',
    reason: /^It was requested\.$/,
  },
  {
    condition: 'the requested model is served but not installed',
    environment: { installed: defaultModels(), served: ['some/model'] },
    requested: 'some/model',
    expected: 'openai/some/model',
    reason: /^It was requested\.$/,
  },
  {
    condition: 'the prefix openai/ names the service',
    environment: { installed: defaultModels(), served: ['llama3.2:1b'] },
    requested: 'openai/llama3.2:1b',
    expected: 'openai/llama3.2:1b',
    reason: /^It was requested\.$/,
  },
  {
    condition: 'the prefix is part of the name of a served model',
    environment: { installed: null, served: ['openai/gpt-4o'] },
    requested: 'openai/gpt-4o',
    expected: 'openai/openai/gpt-4o',
    reason: /^It was requested\.$/,
  },
  {
    condition: 'the prefix ollama/ names Ollama',
    environment: { installed: defaultModels(), served: ['llama3.2:1b'] },
    requested: 'ollama/llama3.2:1b',
    expected: 'ollama/llama3.2:1b',
    reason: /^It was requested\.$/,
  },
  {
    condition: 'the built-in answerer is requested',
    environment: { installed: defaultModels() },
    requested: 'extractive',
    expected: 'extractive/extractive',
    reason: /^It was requested\.$/,
  },
]

const rejections: {
  condition: string
  environment: Environment
  requested: string
  code: string
  message: RegExp
}[] = [
  {
    condition: 'is not installed',
    environment: { installed: defaultModels() },
    requested: 'qwen3:4b',
    code: 'model_not_found',
    message: /Pull it .* or choose another: llama3\.2:1b, extractive/,
  },
  {
    condition: 'requires Ollama, which is unavailable',
    environment: { installed: null },
    requested: 'llama3.2:1b',
    code: 'ollama_away',
    message: /ollama serve/,
  },
  {
    condition: 'requires a service that is not configured',
    environment: { installed: defaultModels() },
    requested: 'gpt-4o',
    code: 'openai_not_configured',
    message: /OPENAI_API_KEY/,
  },
  {
    condition: 'names a service that is not configured',
    environment: { installed: defaultModels() },
    requested: 'openai/llama3.2:1b',
    code: 'openai_not_configured',
    message: /OPENAI_API_KEY/,
  },
  {
    condition: 'names Ollama, where it is not installed',
    environment: { installed: defaultModels(), served: ['qwen3:4b'] },
    requested: 'ollama/qwen3:4b',
    code: 'model_not_found',
    message: /Pull it/,
  },
  {
    condition: 'is an embedding model',
    environment: { installed: defaultModels() },
    requested: 'nomic-embed-text',
    code: 'not_a_chat_model',
    message: /is an embedding model/,
  },
]

async function withSelector<T>(
  environment: Environment,
  work: (selector: ReturnType<typeof createModelSelector>) => Promise<T>,
): Promise<T> {
  await using ollama = await startOllama({ models: environment.installed ?? [] })
  await using openai = await startOpenAi({ models: (environment.served ?? []).map((id) => ({ id })) })
  const opened = Promise.resolve([
    ollamaProvider(environment.installed === null ? unreachable : ollama.url),
    ...(environment.served === undefined
      ? []
      : [openAiProvider(environment.served === null ? `${unreachable}/v1` : openai.url)]),
  ])
  return await work(
    createModelSelector({
      providers: () => opened,
      chatModel: environment.chatModel,
      chatModelStrong: environment.chatModelStrong,
      findActive: async () => environment.active,
    }),
  )
}

describe('chat model selection', () => {
  test.each(selections)(
    'selects $expected when $condition',
    async ({ environment, requested, strong = false, expected, reason }) => {
      const choice = await withSelector(environment, (selector) =>
        selector.select({ ...(requested === undefined ? {} : { requested }), strong }),
      )
      expect(`${choice.located.provider?.name ?? 'extractive'}/${choice.located.name}`).toBe(expected)
      expect(choice.reason).toMatch(reason)
    },
  )

  test.each(rejections)(
    'rejects a requested model that $condition, with instructions',
    async ({ environment, requested, code, message }) => {
      const error = await withSelector(environment, (selector) => selector.select({ requested })).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(AppError)
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    },
  )

  test('finds a model that another program has just pulled', async () => {
    await using ollama = await startOllama({ models: [] })
    const provider = ollamaProvider(ollama.url)
    expect((await provider.models()).isUp).toBe(true)
    ollama.models.push({ name: 'qwen3:4b', capabilities: ['completion'] })
    expect(await provider.find('qwen3:4b', false)).toBeUndefined()
    expect(await provider.find('qwen3:4b', true)).toMatchObject({ name: 'qwen3:4b' })
  })

  test('finds a model in a list of the last minute without waiting for the next list', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    await using ollama = await startOllama()
    const provider = ollamaProvider(ollama.url)
    const find = async () => (await provider.find('llama3.2:1b', false))?.name
    expect((await provider.models()).isUp).toBe(true)
    ollama.always('/api/tags', { status: 500, message: 'gone' })
    vi.advanceTimersByTime(59_000)
    expect(await find()).toBe('llama3.2:1b')
    expect((await provider.models()).isUp).toBe(false)

    ollama.always('/api/tags', undefined)
    await provider.refresh()
    ollama.always('/api/tags', { status: 500, message: 'gone' })
    vi.advanceTimersByTime(61_000)
    expect(await find()).toBeUndefined()
    vi.useRealTimers()
  })

  test('finds a model by its id without a request to other providers', async () => {
    await using ollama = await startOllama()
    await using openai = await startOpenAi({ models: [{ id: 'qwen3' }] })
    const opened = Promise.resolve([ollamaProvider(ollama.url), openAiProvider(openai.url)])
    const selector = createModelSelector({
      providers: () => opened,
      chatModel: undefined,
      chatModelStrong: undefined,
      findActive: async () => undefined,
    })
    expect((await selector.select({ requested: 'openai/qwen3' })).located.name).toBe('qwen3')
    expect(ollama.requestsTo('/api/tags')).toEqual([])
  })

  test('an unresponsive Ollama delays only the first selection', async () => {
    await using ollama = await startOllama()
    ollama.always('/api/tags', { beforeHeaders: 'hang' })
    const provider = ollamaProvider(ollama.url)
    expect((await provider.models()).isUp).toBe(false)
    expect((await provider.models()).isUp).toBe(false)
    expect(ollama.requestsTo('/api/tags')).toHaveLength(1)
  })
})
