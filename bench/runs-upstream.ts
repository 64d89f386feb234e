// The model server of bench/runs.ts: sends `tokens` tokens, one every `everyMs`, each with a timestamp.
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://localhost')
  const tokens = Number(searchParams.get('tokens'))
  const everyMs = Number(searchParams.get('everyMs'))
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
      const isFlushed = response.write(`data: {"token":" word","at":"${process.hrtime.bigint()}"}\n\n`)
      if (!isFlushed)
        await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve))
    }
    response.end('data: [DONE]\n\n')
  })()
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') process.send?.({ port: address.port })
})
