import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

type Request = {
  model?: string
  messages?: { role: string; content: string }[]
  tools?: { function: { name: string } }[]
  input?: string | string[]
  stream?: boolean
}

const dimensions = 64

/** Returns a hashed bag of words. */
function embedding(text: string): number[] {
  const vector = Array.from({ length: dimensions }, () => 1e-3)
  for (const word of text.toLowerCase().split(/[^a-z]/)) {
    let hash = 0
    for (const character of word) hash = (hash * 31 + character.charCodeAt(0)) % dimensions
    vector[hash] = (vector[hash] ?? 0) + 1
  }
  return vector
}

/**
 * Starts a model server in Ollama's protocol on a free port of this machine. `answer` turns all messages of a prompt,
 * joined, into the answer. Before it, the model calls each tool that it is offered, with the query of a search.
 */
export async function startModelPlayer(answer: (prompt: string) => string) {
  const server = createServer((request, response) => {
    void (async () => {
      const send = (...lines: object[]) =>
        response
          .writeHead(200, { 'content-type': 'application/x-ndjson' })
          .end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      if (request.url === '/api/tags')
        return void send({
          models: ['repeat:latest', 'embed:latest'].map((name) => ({
            name,
            model: name,
            modified_at: '2026-01-01T00:00:00Z',
            size: 1,
            digest: name,
          })),
        })
      if (request.url === '/api/version') return void send({ version: '0.12.6' })
      if (request.url === '/api/ps') return void send({ models: [] })
      const { model = '', messages = [], tools = [], input = [] } = (await json(request)) as Request
      const stamp = { model, created_at: '2026-01-01T00:00:00Z' }
      if (request.url === '/api/show')
        return void send({
          capabilities: model.startsWith('embed') ? ['embedding'] : ['completion', 'tools'],
          model_info: { 'general.architecture': 'llama', 'llama.context_length': 8_192 },
        })
      if (request.url === '/api/embed')
        return void send({ model, embeddings: [input].flat().map(embedding), prompt_eval_count: 1 })
      const content = answer(messages.map((message) => message.content).join('\n\n'))
      const message = (text: string) => ({ role: 'assistant', content: text })
      const calls = messages.some(({ role }) => role === 'tool')
        ? []
        : tools.map((tool) => ({
            function: { name: tool.function.name, arguments: { query: 'keeper lighthouse' } },
          }))
      send(
        {
          ...stamp,
          message: { ...message(content), ...(calls.length > 0 && { tool_calls: calls }) },
          done: false,
        },
        {
          ...stamp,
          message: message(''),
          done: true,
          done_reason: 'stop',
          prompt_eval_count: 1,
          eval_count: 1,
        },
      )
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
