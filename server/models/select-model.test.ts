import { describe, expect, test } from 'vitest'
import { defaultModels, type ScriptedModel, startOllama, startOpenAi } from '../../test/model-servers.ts'
import { AppError } from '../errors.ts'
import { createLog } from '../log.ts'
import { createCatalogue } from './catalogue.ts'
import { createModelSelector, type SelectionSettings } from './select-model.ts'
import { createOllamaService, createOpenAiService } from './upstream/service.ts'

const { signal } = new AbortController()
/** A port that nothing listens on. */
const away = 'http://127.0.0.1:2'
const embedOnly: ScriptedModel = { name: 'nomic-embed-text:latest', capabilities: ['embedding'] }

type Setting = {
  /** Installed in Ollama; null when it is away. */
  installed: ScriptedModel[] | null
  /** Listed by the service; null when it is away, undefined when none is configured. */
  served?: string[] | null
  active?: string
} & Partial<Pick<SelectionSettings, 'chatModel' | 'chatModelStrong'>>

const asked: {
  wish: string
  setting: Setting
  requested?: string
  strong?: boolean
  gives: string
  because: RegExp
}[] = [
  {
    wish: 'nothing is set up',
    setting: { installed: null },
    gives: 'extractive/extractive',
    because:
      /^No language model is configured: Ollama at \S+ does not answer, and no OpenAI key is configured\.$/,
  },
  {
    wish: 'Ollama has only an embedding model',
    setting: { installed: [embedOnly] },
    gives: 'extractive/extractive',
    because: /Ollama has no chat model installed/,
  },
  {
    wish: 'Ollama has models',
    setting: { installed: defaultModels() },
    gives: 'ollama/llama3.2:1b',
    because: /^It is the first chat model that Ollama has installed\.$/,
  },
  {
    wish: 'a key is configured beside Ollama',
    setting: { installed: defaultModels(), served: ['gpt-4o-mini', 'gpt-4o'] },
    gives: 'openai/gpt-4o-mini',
    because: /is configured/,
  },
  {
    wish: 'a service of one’s own has other models',
    setting: { installed: null, served: ['text-embedder', 'qwen3-32b'] },
    gives: 'openai/qwen3-32b',
    because: /the first chat model that \S+ lists/,
  },
  {
    wish: 'the configured service is away and Ollama is there',
    setting: { installed: defaultModels(), served: null },
    gives: 'ollama/llama3.2:1b',
    because: /gpt-4o-mini cannot be used: .*connection refused/,
  },
  {
    wish: 'CHAT_MODEL names an installed model',
    setting: { installed: defaultModels(), served: ['gpt-4o-mini'], chatModel: 'llama3.2:1b' },
    gives: 'ollama/llama3.2:1b',
    because: /CHAT_MODEL names it/,
  },
  {
    wish: 'CHAT_MODEL names a served model',
    setting: { installed: defaultModels(), served: ['gpt-4o-mini', 'gpt-5'], chatModel: 'gpt-5' },
    gives: 'openai/gpt-5',
    because: /CHAT_MODEL names it/,
  },
  {
    wish: 'CHAT_MODEL names a model that is not there',
    setting: { installed: [], chatModel: 'llama3.2:1b' },
    gives: 'extractive/extractive',
    because: /llama3\.2:1b cannot be used: .*Pull it/,
  },
  {
    wish: 'the active model comes before CHAT_MODEL',
    setting: {
      installed: [...defaultModels(), { name: 'qwen3:4b', capabilities: ['completion'] }],
      chatModel: 'llama3.2:1b',
      active: 'qwen3:4b',
    },
    gives: 'ollama/qwen3:4b',
    because: /^It is the active model\.$/,
  },
  {
    wish: 'the active model is extractive',
    setting: { installed: defaultModels(), active: 'extractive' },
    gives: 'extractive/extractive',
    because: /^It is the active model\.$/,
  },
  {
    wish: 'the stronger model is asked for and named',
    setting: {
      installed: [...defaultModels(), { name: 'qwen3:32b', capabilities: ['completion'] }],
      chatModelStrong: 'qwen3:32b',
      active: 'llama3.2:1b',
    },
    strong: true,
    gives: 'ollama/qwen3:32b',
    because: /^The stronger model was requested/,
  },
  {
    wish: 'the stronger model is asked for with a key',
    setting: { installed: null, served: ['gpt-4o-mini', 'gpt-4o'] },
    strong: true,
    gives: 'openai/gpt-4o',
    because: /^The stronger model was requested/,
  },
  {
    wish: 'the stronger model is asked for and there is none',
    setting: { installed: defaultModels() },
    strong: true,
    gives: 'ollama/llama3.2:1b',
    because: /No stronger model is configured \(CHAT_MODEL_STRONG\)/,
  },
  {
    wish: 'a model is asked for by name',
    setting: { installed: defaultModels(), served: ['gpt-4o-mini'], active: 'gpt-4o-mini' },
    requested: 'llama3.2:1b',
    gives: 'ollama/llama3.2:1b',
    because: /^It was requested\.$/,
  },
  {
    wish: 'a model is asked for without its tag, in capitals',
    setting: { installed: [{ name: 'mistral:latest', capabilities: ['completion'] }] },
    requested: 'Mistral',
    gives: 'ollama/mistral',
    because: /^It was requested\.$/,
  },
  {
    wish: 'a name that is not installed goes to the service',
    setting: { installed: defaultModels(), served: ['some/model'] },
    requested: 'some/model',
    gives: 'openai/some/model',
    because: /^It was requested\.$/,
  },
  {
    wish: 'a prefix forces the service',
    setting: { installed: defaultModels(), served: ['llama3.2:1b'] },
    requested: 'openai/llama3.2:1b',
    gives: 'openai/llama3.2:1b',
    because: /^It was requested\.$/,
  },
  {
    wish: 'a prefix is part of a served model’s own name',
    setting: { installed: null, served: ['openai/gpt-4o'] },
    requested: 'openai/gpt-4o',
    gives: 'openai/openai/gpt-4o',
    because: /^It was requested\.$/,
  },
  {
    wish: 'a prefix forces Ollama',
    setting: { installed: defaultModels(), served: ['llama3.2:1b'] },
    requested: 'ollama/llama3.2:1b',
    gives: 'ollama/llama3.2:1b',
    because: /^It was requested\.$/,
  },
  {
    wish: 'extractive is asked for',
    setting: { installed: defaultModels() },
    requested: 'extractive',
    gives: 'extractive/extractive',
    because: /^It was requested\.$/,
  },
]

const refused: { wish: string; setting: Setting; requested: string; code: string; says: RegExp }[] = [
  {
    wish: 'is not installed',
    setting: { installed: defaultModels() },
    requested: 'qwen3:4b',
    code: 'model_not_installed',
    says: /Pull it .* or choose another: llama3\.2:1b, extractive/,
  },
  {
    wish: 'needs an Ollama that is away',
    setting: { installed: null },
    requested: 'llama3.2:1b',
    code: 'ollama_away',
    says: /ollama serve/,
  },
  {
    wish: 'needs a service that is not configured',
    setting: { installed: defaultModels() },
    requested: 'gpt-4o',
    code: 'openai_not_configured',
    says: /OPENAI_API_KEY/,
  },
  {
    wish: 'is forced to a service that is not configured',
    setting: { installed: defaultModels() },
    requested: 'openai/llama3.2:1b',
    code: 'openai_not_configured',
    says: /OPENAI_API_KEY/,
  },
  {
    wish: 'is forced to an Ollama that has it not',
    setting: { installed: defaultModels(), served: ['qwen3:4b'] },
    requested: 'ollama/qwen3:4b',
    code: 'model_not_installed',
    says: /Pull it/,
  },
  {
    wish: 'only embeds',
    setting: { installed: defaultModels() },
    requested: 'nomic-embed-text',
    code: 'not_a_chat_model',
    says: /is an embedding model/,
  },
]

async function within<T>(
  setting: Setting,
  work: (choose: ReturnType<typeof createModelSelector>) => Promise<T>,
): Promise<T> {
  await using ollama = await startOllama({ models: setting.installed ?? [] })
  await using openai = await startOpenAi({ models: (setting.served ?? []).map((id) => ({ id })) })
  const service =
    setting.served === undefined
      ? undefined
      : createOpenAiService({ baseUrl: setting.served === null ? `${away}/v1` : openai.url, apiKey: 'sk-a' })
  const ollamaIs = createOllamaService(setting.installed === null ? away : ollama.url)
  const known = createCatalogue({
    ollama: ollamaIs,
    openai: service,
    closing: signal,
    log: createLog('silent'),
  })
  return await work(
    createModelSelector(known, {
      ollamaAddress: ollamaIs.address,
      openaiHost: service && new URL(service.address).host,
      chatModel: setting.chatModel,
      chatModelStrong: setting.chatModelStrong,
      findActive: async () => setting.active,
    }),
  )
}

describe('chat model selection', () => {
  test.each(asked)('when $wish: $gives', async ({ setting, requested, strong = false, gives, because }) => {
    const choice = await within(setting, (selector) =>
      selector.select({ ...(requested === undefined ? {} : { requested }), strong }),
    )
    expect(`${choice.located.provider}/${choice.name}`).toBe(gives)
    expect(choice.reason).toMatch(because)
  })

  test.each(refused)(
    'a wish for a model that $wish is refused with what to do',
    async ({ setting, requested, code, says }) => {
      const error = await within(setting, (selector) => selector.select({ requested })).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(AppError)
      expect(error).toMatchObject({ code, message: expect.stringMatching(says) })
    },
  )

  test('finds a model that another program has just pulled', async () => {
    await using ollama = await startOllama({ models: [] })
    const service = createOllamaService(ollama.url)
    const known = createCatalogue({
      ollama: service,
      openai: undefined,
      closing: signal,
      log: createLog('silent'),
    })
    expect((await known.installed()).isUp).toBe(true)
    ollama.models.push({ name: 'qwen3:4b', capabilities: ['completion'] })
    expect(await known.find('qwen3:4b', false)).toBeUndefined()
    expect(await known.find('qwen3:4b', true)).toMatchObject({ name: 'qwen3:4b' })
  })

  test('an unresponsive Ollama delays only the first selection', async () => {
    await using ollama = await startOllama()
    ollama.always('/api/tags', { beforeHeaders: 'hang' })
    const known = createCatalogue({
      ollama: createOllamaService(ollama.url),
      openai: undefined,
      closing: signal,
      log: createLog('silent'),
    })
    expect((await known.installed()).isUp).toBe(false)
    expect((await known.installed()).isUp).toBe(false)
    expect(ollama.requestsTo('/api/tags')).toHaveLength(1)
  })
})
