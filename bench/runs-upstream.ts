// The model server of bench/runs.ts: sends `tokens` tokens, one every `everyMs`, each with a timestamp. The name of a model of its
// OpenAI-compatible API contains both: tokens-250-20. It is also an Ollama without models, whose lists take 20 ms.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

/** The models that a server offers. */
const models = ['tokens-2-500', 'tokens-25-20', 'tokens-500-20', 'tokens-30-2000']

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
  if (pathname === '/v1/models') {
    const data = models.map((id) => ({ id, object: 'model' }))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }))
    return
  }
  if (pathname.startsWith('/api/')) {
    await pause(20)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"models":[]}')
    return
  }
  const isChat = pathname === '/v1/chat/completions'
  const model = isChat ? (JSON.parse(await text(request)) as { model: string }).model : ''
  const [, tokens = 0, everyMs = 0] = isChat
    ? model.split('-').map(Number)
    : [0, Number(searchParams.get('tokens')), Number(searchParams.get('everyMs'))]
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  let isClosed = false
  response.on('close', () => {
    isClosed = true
  })
  void (async () => {
    const startedAt = performance.now()
    for (let i = 0; i < tokens && !isClosed; i++) {
      const waitMs = startedAt + (i + 1) * everyMs - performance.now()
      if (waitMs > 0) await pause(waitMs)
      const token = ` word@${process.hrtime.bigint()}`
      const data = isChat ? { choices: [{ index: 0, delta: { content: token } }] } : { token }
      const isFlushed = response.write(`data: ${JSON.stringify(data)}\n\n`)
      if (!isFlushed)
        await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve))
    }
    if (isChat)
      response.write(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`,
      )
    response.end('data: [DONE]\n\n')
  })()
}

const server = createServer((request, response) => void respond(request, response))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') process.send?.({ port: address.port })
})
