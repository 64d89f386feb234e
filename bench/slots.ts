import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Starts a proxy that forwards `slots` chat requests at a time, in the order of their arrival as Ollama does, and skips
 * requests whose client has disconnected. Returns its URL.
 */
export async function startSlots(target: string, slots: number): Promise<string> {
  let free = slots
  const waiting: (() => void)[] = []
  const server = createServer((incoming, outgoing) => {
    const forward = () => {
      const { method, headers } = incoming
      const upstream = send(new URL(incoming.url ?? '/', target), { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      })
      outgoing.on('close', () => upstream.destroy())
      upstream.on('error', () => outgoing.destroy())
      incoming.pipe(upstream)
    }
    if (incoming.url !== '/api/chat') return forward()
    const start = () => {
      if (outgoing.destroyed) return next()
      outgoing.on('close', next)
      forward()
    }
    const next = () => {
      const following = waiting.shift()
      if (following) following()
      else free += 1
    }
    if (free === 0) return void waiting.push(start)
    free -= 1
    start()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
