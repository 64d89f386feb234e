import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../server/db/index.ts'
import { defineError } from '../../server/errors.ts'
import type { Http } from '../../server/http/index.ts'
import { acceptUploads, receiveUpload } from '../../server/http/uploads.ts'
import { ANY_DATABASE, openTestDatabase } from '../databases.ts'
import { type ErrorResponse, openServer, type TestServer } from './server.ts'

const forbidden = defineError(403, 'forbidden', () => 'Forbidden.')
const limits = { maxFileBytes: 1024, maxFiles: 2 }

async function addRoutes(http: Http): Promise<void> {
  http.get('/large', { config: { access: 'public' } }, async () => ({ text: 'x'.repeat(10_000) }))
  http.get('/stream', { config: { access: 'public' }, exposeHeadRoute: false }, async (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write(`data: ${'x'.repeat(5_000)}\n\n`)
  })
  http.post('/json', { config: { access: 'public' } }, async () => ({ ok: true }))
  await http.register(async (app) => {
    await acceptUploads(app, limits)
    const staging = {
      async stage(stream: AsyncIterable<Uint8Array>) {
        let bytes = 0
        for await (const chunk of stream) bytes += chunk.length
        return { bytes }
      },
      discard: async () => undefined,
    }
    app.post('/upload', { config: { access: 'public' } }, async (request) => {
      const { files } = await receiveUpload(request, staging, limits, () => undefined)
      return { files: files.length }
    })
    app.post('/forbidden', { config: { access: 'public' } }, async () => {
      throw forbidden()
    })
  })
}

describe('limits of requests', () => {
  let database: Database
  let server: TestServer
  let port: number
  beforeAll(async () => {
    database = await openTestDatabase(ANY_DATABASE)
    server = await openServer(database, {}, { routes: addRoutes })
    port = Number(new URL(await server.http.listen({ port: 0 })).port)
  })
  afterAll(async () => {
    await server.http.close()
    await database[Symbol.asyncDispose]()
  })

  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }
  const write = (socket: Socket, data: string | Buffer) =>
    new Promise<void>((resolve, reject) => {
      socket.write(data, (error) => (error ? reject(error) : resolve()))
    })
  const readAll = async (socket: Socket): Promise<Buffer> => {
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }
  const head = (path: string, type: string, bytes: number) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: ${type}\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`

  test.each([
    ['/json', 'application/json', 413],
    ['/forbidden', 'multipart/form-data; boundary=b', 403],
  ])('a client that sends 20 MB to %s before it reads gets its response', async (path, type, status) => {
    const socket = await open()
    const body = Buffer.alloc(20 * 1024 * 1024, ' ')
    await write(socket, head(path, type, body.length))
    await write(socket, body)
    expect((await readAll(socket)).toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  test('a body that never ends is cut off', async () => {
    const socket = await open()
    await write(socket, head('/json', 'application/json', 1024 ** 4))
    const chunk = Buffer.alloc(4 * 1024 * 1024, ' ')
    const sending = (async () => {
      for (;;) await write(socket, chunk)
    })()
    await expect(sending).rejects.toThrow()
  })

  test('too many files are 413, also for a client that sends before it reads', async () => {
    const part = (name: string) =>
      `--b\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\n\r\n${'x'.repeat(1_000)}\r\n`
    const body = `${Array.from({ length: 2_000 }, (_, i) => part(`${i}.txt`)).join('')}--b--\r\n`
    const socket = await open()
    await write(socket, head('/upload', 'multipart/form-data; boundary=b', Buffer.byteLength(body)))
    await write(socket, body)
    expect((await readAll(socket)).toString()).toMatch(/^HTTP\/1.1 413 [\s\S]*too_many_files/)
  })

  test.each(['b'.repeat(500), 'b'.repeat(71), '', '"'])(
    'the multipart boundary %j is 400',
    async (boundary) => {
      const { status, body } = await server.call<ErrorResponse>('POST', '/upload', {
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: `--${boundary}\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n`,
      })
      expect([status, body.error?.code]).toEqual([400, 'malformed_upload'])
    },
  )

  test('deeply nested JSON is 400 before it is parsed', async () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    const post = (body: string) =>
      server.call<ErrorResponse>('POST', '/json', { headers: { 'content-type': 'application/json' }, body })
    expect((await post(nested(100))).status).toBe(200)
    expect((await post(`{"a":"${'['.repeat(1_000)}\\"["}`)).status).toBe(200)
    expect(await post(nested(2_000_000))).toMatchObject({
      status: 400,
      body: { error: { code: 'malformed_json' } },
    })
  })

  test('sign-in accepts 16 KB', async () => {
    const body = { email: 'ann@example.org', password: 'x'.repeat(17_000) }
    expect((await server.call('POST', '/auth/login', { body })).status).toBe(413)
  })

  test.each([
    ['POST', '/me', 'DELETE, GET, HEAD, PATCH'],
    ['GET', '/auth/login', 'POST'],
    ['DELETE', '/avees/ann/permissions', 'GET, HEAD'],
    ['PATCH', '/users/ann/admin/', 'DELETE, PUT'],
    ['HEAD', '/stream', 'GET'],
  ] as const)('%s %s is 405 and names the methods of the path', async (method, path, allowed) => {
    const { status, headers, body } = await server.call<ErrorResponse>(method, path)
    expect([status, headers['allow']]).toEqual([405, allowed])
    if (method !== 'HEAD') expect(body.error.code).toBe('method_not_allowed')
  })

  test('responses are compressed, streams are not delayed', async () => {
    const get = (path: string) =>
      `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`
    const large = await open()
    await write(large, get('/large'))
    const response = await readAll(large)
    expect(response.toString('latin1')).toMatch(/content-encoding: gzip/i)
    expect(response.length).toBeLessThan(2_000)

    const stream = await open()
    await write(stream, get('/stream'))
    let received = ''
    while (!received.includes('x\n\n')) {
      const [chunk] = (await once(stream, 'data')) as [Buffer]
      received += chunk.toString('latin1')
    }
    expect(received).not.toMatch(/content-encoding/i)
    stream.destroy()
  })

  test('a compressed response has the content of an uncompressed one', async () => {
    const response = await server.http.inject({ url: '/large', headers: { 'accept-encoding': 'gzip' } })
    expect(gunzipSync(response.rawPayload).toString()).toBe(JSON.stringify({ text: 'x'.repeat(10_000) }))
  })

  test.each([
    ['https://gabee.example', 'max-age=31536000; includeSubDomains'],
    ['http://gabee.example', undefined],
  ])('PUBLIC_URL %s sets Strict-Transport-Security to %s', async (publicUrl, expected) => {
    await using other = await openServer(database, { PUBLIC_URL: publicUrl })
    const { headers } = await other.call('GET', '/health')
    expect(headers['strict-transport-security']).toBe(expected)
    expect(headers['permissions-policy']).toContain('camera=()')
  })
})
