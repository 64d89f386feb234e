import { createHash } from 'node:crypto'
import { countTokens, embedding, generateAnswer } from './answers.ts'
import { type Framing, playBeforeStream, playScript } from './script.ts'
import { json, type Options, type ScriptedServer, startScriptedServer } from './server.ts'

export type ScriptedModel = {
  name: string
  capabilities: string[]
  /** Context length in tokens. */
  contextLength?: number
  size?: number
  /** By default that of its name. */
  digest?: string
}

export type OllamaOptions = Options & { models?: ScriptedModel[] }

/** `models` are installed; `loaded` maps each model in memory to its context length. Tests may change both. */
export type ScriptedOllama = ScriptedServer & { models: ScriptedModel[]; loaded: Map<string, number> }

type Chat = {
  model: string
  messages: { role: string; content: string }[]
  stream?: boolean
  options?: { num_ctx?: number }
}

export const defaultModels = (): ScriptedModel[] => [
  { name: 'llama3.2:1b', capabilities: ['completion', 'tools'], contextLength: 131_072, size: 1_321_098_329 },
  { name: 'nomic-embed-text:latest', capabilities: ['embedding'], contextLength: 2_048, size: 274_302_450 },
]

/** Starts a scripted Ollama server. */
export async function startOllama(options: OllamaOptions = {}): Promise<ScriptedOllama> {
  const models = options.models ?? defaultModels()
  const loaded = new Map<string, number>()
  const withTag = (name: unknown) =>
    String(name).split('/').at(-1)?.includes(':') ? String(name) : `${String(name)}:latest`
  const find = (name: unknown) => models.find((model) => model.name === withTag(name))
  const missing = (name: unknown) => ({ error: `model '${String(name)}' not found` })
  const now = () => new Date().toISOString()

  const upstream = await startScriptedServer(
    {
      'GET /api/version': async (_request, response) => json(response, 200, { version: '0.12.6' }),

      'GET /api/tags': async (_request, response, script) => {
        if (script && (await playBeforeStream(response, framing(''), script))) return
        json(response, 200, {
          models: models.map((model) => ({
            name: model.name,
            model: model.name,
            modified_at: '2026-01-02T03:04:05Z',
            size: model.size ?? 1_000_000,
            digest: model.digest ?? createHash('sha256').update(model.name).digest('hex'),
            details: { format: 'gguf', family: 'llama', families: ['llama'], parameter_size: '1B' },
          })),
        })
      },

      'POST /api/show': async ({ body }, response) => {
        const model = find(body['model'])
        if (!model) return json(response, 404, missing(body['model']))
        json(response, 200, {
          capabilities: model.capabilities,
          details: { family: 'llama' },
          model_info: {
            'general.architecture': 'llama',
            'llama.context_length': model.contextLength ?? 8_192,
          },
        })
      },

      'GET /api/ps': async (_request, response) =>
        json(response, 200, {
          models: [...loaded].map(([name, context]) => ({
            name,
            model: name,
            size: 3_000,
            size_vram: 2_000,
            context_length: context,
          })),
        }),

      'POST /api/chat': async ({ body }, response, script) => {
        const chat = body as unknown as Chat
        if (script && (await playBeforeStream(response, framing(chat.model), script))) return
        const model = find(chat.model)
        if (!model) return json(response, 404, missing(chat.model))
        loaded.set(model.name, chat.options?.num_ctx ?? 4_096)
        const computed = script?.answer?.(chat.messages)
        const tokens = script?.tokens ?? (computed === undefined ? generateAnswer(chat.messages) : [computed])
        await playScript(response, framing(chat.model, countTokens(chat.messages)), script ?? {}, tokens)
      },

      'POST /api/generate': async ({ body }, response) => {
        const model = find(body['model'])
        if (!model) return json(response, 404, missing(body['model']))
        if (body['keep_alive'] === 0) loaded.delete(model.name)
        json(response, 200, {
          model: model.name,
          created_at: now(),
          response: '',
          done: true,
          done_reason: 'unload',
        })
      },

      'POST /api/embed': async ({ body }, response, script) => {
        if (script && (await playBeforeStream(response, framing(''), script))) return
        const model = find(body['model'])
        if (!model) return json(response, 404, missing(body['model']))
        const texts = [body['input']].flat().map(String)
        if (body['keep_alive'] === 0) loaded.delete(model.name)
        else loaded.set(model.name, model.contextLength ?? 2_048)
        const limit = model.contextLength ?? 2_048
        if (body['truncate'] === false && texts.some((text) => text.length / 4 > limit))
          return json(response, 400, { error: 'the input length exceeds the context length' })
        json(response, 200, {
          model: model.name,
          embeddings: texts.map(embedding),
          prompt_eval_count: texts.length,
        })
      },

      'POST /api/pull': async ({ body }, response, script) => {
        const name = withTag(body['model'])
        const frames = framing('')
        await playScript(response, { ...frames, last: '' }, { frames: pullFrames(name), ...script }, [])
        if (!script?.fault && script?.status === undefined && !find(name))
          models.push({ name, capabilities: [/embed/.test(name) ? 'embedding' : 'completion'] })
      },

      'DELETE /api/delete': async ({ body }, response) => {
        const at = models.findIndex((model) => model.name === withTag(body['model']))
        if (at < 0) return json(response, 404, missing(body['model']))
        models.splice(at, 1)
        response.writeHead(200).end()
      },
    },
    ['POST /api/chat', 'POST /api/embed', 'POST /api/pull'],
    options,
  )
  return { ...upstream, models, loaded }
}

/** Returns the progress of a download: a manifest, two files and the final checks. */
export function pullFrames(name: string, steps = 4): string[] {
  const files = ['model', 'config'].map((part, i) => ({
    digest: `sha256:${createHash('sha256').update(`${name}/${part}`).digest('hex')}`,
    total: i === 0 ? 1_000_000 : 500,
  }))
  return [
    { status: 'pulling manifest' },
    ...files.flatMap(({ digest, total }) =>
      Array.from({ length: steps + 1 }, (_, step) => ({
        status: `pulling ${digest.slice(7, 19)}`,
        digest,
        total,
        ...(step === 0 ? {} : { completed: Math.round((total * step) / steps) }),
      })),
    ),
    { status: 'verifying sha256 digest' },
    { status: 'writing manifest' },
    { status: 'success' },
  ].map((object) => JSON.stringify(object))
}

function framing(model: string, promptTokens = 0): Framing {
  const stamp = { model, created_at: '2026-01-02T03:04:05Z' }
  const message = (text: string) => ({ role: 'assistant', content: text })
  return {
    contentType: 'application/x-ndjson',
    frame: (json) => `${json}\n`,
    token: (text) => ({ ...stamp, message: message(text), done: false }),
    thinking: (text) => ({ ...stamp, message: { ...message(''), thinking: text }, done: false }),
    toolCall: (call) => [
      { ...stamp, message: { ...message(''), tool_calls: [{ function: call }] }, done: false },
    ],
    error: (error) => ({ error }),
    finish: (reason, tokens) => [
      {
        ...stamp,
        message: message(''),
        done: true,
        done_reason: reason === 'length' ? 'length' : 'stop',
        prompt_eval_count: promptTokens,
        eval_count: tokens,
      },
    ],
    unfinished: () => [{ ...stamp, message: message(''), done: false }],
    last: '',
  }
}
