import { countTokens, generateAnswer } from './answers.ts'
import { type Framing, playBeforeStream, playScript } from './script.ts'
import { json, type Options, type ScriptedServer, startScriptedServer } from './server.ts'

type Chat = { model: string; system?: string; messages: { role: string; content: { text?: string }[] }[] }

/** Starts a scripted server with Anthropic's API; `url` ends in `/v1`. Requests must send the key. */
export async function startAnthropic(options: Options & { apiKey?: string } = {}): Promise<ScriptedServer> {
  const upstream = await startScriptedServer(
    {
      'GET /v1/models': async (_request, response, script) => {
        if (script && (await playBeforeStream(response, framing('', 0), script))) return
        json(response, 200, { data: [{ type: 'model', id: 'claude-sonnet-4-5' }], has_more: false })
      },

      'POST /v1/messages': async ({ body, headers }, response, script) => {
        const chat = body as unknown as Chat
        const messages = chat.messages.map(({ role, content }) => ({
          role,
          content: content.map((block) => block.text ?? '').join(''),
        }))
        const frames = framing(chat.model, countTokens(messages))
        if (options.apiKey !== undefined && headers['x-api-key'] !== options.apiKey)
          return json(response, 401, frames.error('invalid x-api-key'))
        if (script && (await playBeforeStream(response, frames, script))) return
        await playScript(response, frames, script ?? {}, script?.tokens ?? generateAnswer(messages))
      },
    },
    ['POST /v1/messages'],
    options,
  )
  return { ...upstream, url: `${upstream.url}/v1` }
}

const reasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' }

function framing(model: string, promptTokens: number): Framing {
  const delta = (part: object) => ({ type: 'content_block_delta', index: 0, delta: part })
  const stop = { type: 'content_block_stop', index: 0 }
  return {
    contentType: 'text/event-stream',
    frame: (text) => `event: ${(/^\{"type":"(\w+)"/.exec(text) ?? [])[1] ?? 'message'}\ndata: ${text}\n\n`,
    first: [
      { type: 'message_start', message: { model, usage: { input_tokens: promptTokens, output_tokens: 1 } } },
      { type: 'ping' },
    ],
    token: (text) => delta({ type: 'text_delta', text }),
    thinking: (text) => delta({ type: 'thinking_delta', thinking: text }),
    toolCall({ name, arguments: given }, index) {
      const text = JSON.stringify(given)
      const middle = Math.floor(text.length / 2)
      const piece = (partial_json: string) => delta({ type: 'input_json_delta', partial_json })
      return [
        {
          type: 'content_block_start',
          index,
          content_block: { type: 'tool_use', id: `call_${index}`, name, input: {} },
        },
        piece(''),
        // Without arguments there is no further piece.
        ...(text === '{}' ? [] : [piece(text.slice(0, middle)), piece(text.slice(middle))]),
        stop,
      ]
    },
    error: (message) => ({ type: 'error', error: { type: 'api_error', message } }),
    finish: (reason, tokens) => [
      { type: 'message_delta', delta: { stop_reason: reasons[reason] }, usage: { output_tokens: tokens } },
    ],
    unfinished: () => [stop],
    last: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  }
}
