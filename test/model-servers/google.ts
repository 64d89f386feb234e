import { countTokens, embedding, generateAnswer } from './answers.ts'
import { type Framing, playBeforeStream, playScript } from './script.ts'
import { json, type Options, type ScriptedServer, startScriptedServer } from './server.ts'

type Chat = { contents: { role: string; parts: { text?: string }[] }[] }

const model = 'gemini-2.5-flash'
export const googleChatPath = `/v1beta/models/${model}:streamGenerateContent`

/** Starts a scripted server with Google's Generative Language API; `url` ends in `/v1beta`. */
export async function startGoogle(options: Options & { apiKey?: string } = {}): Promise<ScriptedServer> {
  const upstream = await startScriptedServer(
    {
      'GET /v1beta/models': async (_request, response) =>
        json(response, 200, {
          models: [
            {
              name: `models/${model}`,
              inputTokenLimit: 1_048_576,
              supportedGenerationMethods: ['generateContent', 'countTokens'],
              thinking: true,
            },
            {
              name: 'models/gemini-embedding-001',
              inputTokenLimit: 2_048,
              supportedGenerationMethods: ['embedContent'],
            },
          ],
        }),

      [`POST ${googleChatPath}`]: async ({ body, headers }, response, script) => {
        const messages = (body as unknown as Chat).contents.map(({ role, parts }) => ({
          role: role === 'model' ? 'assistant' : role,
          content: parts.map((part) => part.text ?? '').join(''),
        }))
        const frames = framing(countTokens(messages))
        if (options.apiKey !== undefined && headers['x-goog-api-key'] !== options.apiKey)
          return json(response, 401, frames.error('API key not valid'))
        if (script && (await playBeforeStream(response, frames, script))) return
        await playScript(response, frames, script ?? {}, script?.tokens ?? generateAnswer(messages))
      },

      'POST /v1beta/models/gemini-embedding-001:batchEmbedContents': async ({ body }, response) =>
        json(response, 200, {
          embeddings: (body['requests'] as { content: { parts: { text: string }[] } }[]).map(
            ({ content }) => ({
              values: embedding(content.parts[0]?.text ?? ''),
            }),
          ),
        }),
    },
    [`POST ${googleChatPath}`],
    options,
  )
  return { ...upstream, url: `${upstream.url}/v1beta` }
}

const reasons = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP' }

function framing(promptTokens: number): Framing {
  const chunk = (parts: object[], more: object = {}, counts: object = {}) => ({
    candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
    usageMetadata: { promptTokenCount: promptTokens, ...counts },
  })
  return {
    contentType: 'text/event-stream',
    frame: (text) => `data: ${text}\r\n\r\n`,
    token: (text) => chunk([{ text }]),
    thinking: (text) => chunk([{ text, thought: true }]),
    toolCall: ({ name, arguments: args }) => [
      chunk([{ functionCall: { name, args }, thoughtSignature: 'c2ln' }]),
    ],
    error: (message) => ({ error: { code: 503, message, status: 'UNAVAILABLE' } }),
    finish: (reason, tokens) => [
      chunk([{ text: '' }], { finishReason: reasons[reason] }, { candidatesTokenCount: tokens }),
    ],
    unfinished: (tokens) => [chunk([{ text: '' }], {}, { candidatesTokenCount: tokens })],
    last: '',
  }
}
