import { countTokens, embedding, generateAnswer } from './answers.ts'
import { type Framing, playBeforeStream, playScript } from './script.ts'
import { json, type Options, type ScriptedServer, startScriptedServer } from './server.ts'

export type OpenAiOptions = Options & {
  models?: { id: string; context_length?: number }[]
  /** The API key that requests must send. */
  apiKey?: string
  /** Parameters to reject with 400. */
  refuses?: string[]
}

/** A scripted OpenAI-compatible server; `url` ends in `/v1`. */
export type ScriptedOpenAi = ScriptedServer & { models: { id: string; context_length?: number }[] }

type Chat = {
  model: string
  messages: { role: string; content: string | { text?: string }[] }[]
  stream?: boolean
  stream_options?: { include_usage?: boolean }
}

const defaultModels = () => [{ id: 'gpt-4o-mini' }, { id: 'gpt-4o' }, { id: 'text-embedding-3-small' }]

/** Starts a scripted OpenAI-compatible server, including the `/rerank` endpoint that many of them offer. */
export async function startOpenAi(options: OpenAiOptions = {}): Promise<ScriptedOpenAi> {
  const models = options.models ?? defaultModels()
  const refusal = (request: {
    headers: { authorization?: string | undefined }
    body: Record<string, unknown>
  }) => {
    if (options.apiKey !== undefined && request.headers.authorization !== `Bearer ${options.apiKey}`)
      return {
        status: 401,
        message: `Incorrect API key provided: ${request.headers.authorization ?? 'none'}.`,
      }
    const refused = options.refuses?.find((parameter) => parameter in request.body)
    return refused === undefined
      ? undefined
      : { status: 400, message: `Unsupported parameter: '${refused}'.` }
  }

  const upstream = await startScriptedServer(
    {
      'GET /v1/models': async (request, response, script) => {
        if (script && (await playBeforeStream(response, framing('', 0, false), script))) return
        const refused = refusal({ ...request, body: {} })
        if (refused) return json(response, refused.status, { error: { message: refused.message } })
        json(response, 200, { object: 'list', data: models.map((model) => ({ object: 'model', ...model })) })
      },

      'POST /v1/chat/completions': async (request, response, script) => {
        const chat = request.body as unknown as Chat
        const refused = refusal(request)
        if (refused)
          return json(response, refused.status, {
            error: { message: refused.message, type: 'invalid_request_error' },
          })
        const messages = chat.messages.map(({ role, content }) => ({
          role,
          content: typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(''),
        }))
        const prompt = countTokens(messages)
        const frames = framing(chat.model, prompt, chat.stream_options?.include_usage ?? false)
        if (script && (await playBeforeStream(response, frames, script))) return
        const tokens = script?.tokens ?? generateAnswer(messages)
        if (chat.stream) return playScript(response, frames, script ?? {}, tokens)
        json(response, 200, {
          id: 'chatcmpl-1',
          object: 'chat.completion',
          model: chat.model,
          choices: [
            {
              index: 0,
              message: { role: 'assistant', content: tokens.join('') },
              finish_reason: script?.finish ?? 'stop',
            },
          ],
          usage: usage(prompt, tokens.length),
        })
      },

      'POST /v1/embeddings': async (request, response, script) => {
        const refused = refusal(request)
        if (refused) return json(response, refused.status, { error: { message: refused.message } })
        if (script && (await playBeforeStream(response, framing('', 0, false), script))) return
        const texts = [request.body['input']].flat().map(String)
        json(response, 200, {
          object: 'list',
          model: request.body['model'],
          data: texts.map((text, index) => ({ object: 'embedding', index, embedding: embedding(text) })),
          usage: { prompt_tokens: texts.length, total_tokens: texts.length },
        })
      },

      'POST /v1/rerank': async (request, response, script) => {
        const refused = refusal(request)
        if (refused) return json(response, refused.status, { error: { message: refused.message } })
        if (script && (await playBeforeStream(response, framing('', 0, false), script))) return
        const query = embedding(String(request.body['query']))
        const results = [request.body['documents']]
          .flat()
          .map((text, index) => ({ index, relevance_score: dot(query, embedding(String(text))) }))
          .toSorted((a, b) => b.relevance_score - a.relevance_score)
        json(response, 200, { model: request.body['model'], results })
      },
    },
    ['POST /v1/chat/completions', 'POST /v1/embeddings', 'POST /v1/rerank'],
    options,
  )
  return { ...upstream, url: `${upstream.url}/v1`, models }
}

const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)

const usage = (prompt: number, completion: number) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
})

function framing(model: string, prompt: number, includeUsage: boolean): Framing {
  const chunk = (delta: object, finish: string | null = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_767_323_045,
    model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  })
  const counts = (tokens: number) =>
    includeUsage ? [{ ...chunk({}), choices: [], usage: usage(prompt, tokens) }] : []
  return {
    contentType: 'text/event-stream',
    frame: (json) => `data: ${json}\n\n`,
    token: (text) => chunk({ role: 'assistant', content: text }),
    thinking: (text) => chunk({ reasoning_content: text }),
    toolCall({ name, arguments: given }, index) {
      const text = JSON.stringify(given)
      const middle = Math.floor(text.length / 2)
      const piece = (called: object, id?: string) =>
        chunk({ tool_calls: [{ index, ...(id && { id, type: 'function' }), function: called }] })
      return [
        piece({ name, arguments: '' }, `call_${index}`),
        piece({ arguments: text.slice(0, middle) }),
        piece({ arguments: text.slice(middle) }),
      ]
    },
    error: (message) => ({ error: { message, type: 'server_error' } }),
    finish: (reason, tokens) => [chunk({}, reason), ...counts(tokens)],
    unfinished: (tokens) => counts(tokens),
    last: 'data: [DONE]\n\n',
  }
}
