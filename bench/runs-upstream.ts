// The model service of bench/runs.ts: each request gets `tokens` tokens, one every `everyMs`, each with the moment it was sent.
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://localhost')
  const tokens = Number(searchParams.get('tokens'))
  const everyMs = Number(searchParams.get('everyMs'))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  let left = false
  response.on('close', () => {
    left = true
  })
  void (async () => {
    const begun = performance.now()
    for (let i = 0; i < tokens && !left; i++) {
      const wait = begun + (i + 1) * everyMs - performance.now()
      if (wait > 0) await pause(wait)
      const isTaken = response.write(`data: {"token":" word","at":"${process.hrtime.bigint()}"}\n\n`)
      if (!isTaken)
        await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve))
    }
    response.end('data: [DONE]\n\n')
  })()
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') process.send?.({ port: address.port })
})
