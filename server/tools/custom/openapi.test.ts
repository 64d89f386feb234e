import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publicClient } from '../../knowledge/index.ts'
import { callFunction, readFunctions } from './openapi.ts'

const server = createServer((request, response) => {
  void text(request).then((body) =>
    response.end(`${request.method} ${request.url} ${request.headers['content-type'] ?? ''} ${body}`.trim()),
  )
})
let host: string
let client: ReturnType<typeof publicClient>
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  client = publicClient({ allowedHosts: [host], setting: 'TOOL_ALLOWED_HOSTS', timeoutMs: 5_000 })
})
afterAll(async () => {
  await client[Symbol.asyncDispose]()
  server.close()
})

const read = (paths: object, more: object = {}) =>
  readFunctions({ openapi: '3.1.0', servers: [{ url: `http://${host}/api` }], paths, ...more }, undefined)

async function call([tool]: ReturnType<typeof read>, given: Record<string, unknown> = {}) {
  if (!tool?.request) throw new Error('There is no function.')
  return await callFunction(client, tool.request, given, { headers: {}, signal: AbortSignal.timeout(60_000) })
}

const list = { type: 'array', items: { type: 'string' } }
const query = (more: object) => ({ '/items': { get: { parameters: [{ in: 'query', ...more }] } } })

test.each([
  [{ name: 'tag', schema: list }, ['a', 'b'], 'tag=a&tag=b'],
  [{ name: 'tag', schema: list, explode: false }, ['a', 'b'], 'tag=a%2Cb'],
  [{ name: 'tag', schema: list, style: 'pipeDelimited' }, ['a', 'b'], 'tag=a%7Cb'],
  [{ name: 'tag', schema: list, style: 'spaceDelimited' }, ['a', 'b'], 'tag=a+b'],
  [
    { name: 'of', schema: {}, style: 'deepObject', explode: true },
    { a: 1, b: ['x', 'y'] },
    'of%5Ba%5D=1&of%5Bb%5D=x&of%5Bb%5D=y',
  ],
  [{ name: 'of', schema: {} }, { x: 1, y: true }, 'x=1&y=true'],
  [{ name: 'of', content: { 'application/json': { schema: list } } }, ['a'], 'of=%5B%22a%22%5D'],
  [{ name: 'n', schema: {} }, null, ''],
])('writes the parameter %j of a query', async (parameter, value, expected) => {
  const called = await call(read(query(parameter)), { [parameter.name]: value })
  expect(called).toBe(`GET /api/items${expected === '' ? '' : `?${expected}`}`)
})

test('describes a parameter by the schema of its content', () => {
  const [tool] = read(query({ name: 'of', content: { 'application/json': { schema: list } } }))
  expect(tool?.parameters).toMatchObject({ properties: { of: list } })
})

test('writes a list into a path and keeps each element within its segment', async () => {
  const parameters = [
    { name: 'id', in: 'query', schema: {} },
    { name: 'id', in: 'path', required: true, schema: list },
  ]
  const functions = read({ '/items/{id}.json': { parameters, get: {} } })
  expect(await call(functions, { id: ['a/b', 'c'] })).toBe('GET /api/items/a%2Fb,c.json')
  await expect(call(functions, { id: ['..'] })).rejects.toThrow('id cannot be ".."')
})

test.each([
  ['application/json; charset=utf-8', 'application/json {"a":[1,2]}'],
  ['application/vnd.api+json', 'application/vnd.api+json {"a":[1,2]}'],
  ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded a=1&a=2'],
])('sends a body of the type %s, also one that is referenced', async (type, expected) => {
  const body = { required: true, content: { 'text/csv': {}, [type]: { schema: { type: 'object' } } } }
  const functions = read(
    { '/items': { post: { requestBody: { $ref: '#/components/requestBodies/Item' } } } },
    { components: { requestBodies: { Item: body } } },
  )
  expect(functions[0]?.parameters).toMatchObject({ required: ['body'] })
  expect(await call(functions, { body: { a: [1, 2] } })).toBe(`POST /api/items ${expected}`)
})

test('omits operations that need a body of another type', () => {
  const post = { requestBody: { required: true, content: { 'multipart/form-data': {} } } }
  expect(read({ '/files': { post, get: { operationId: 'list' } } }).map(({ name }) => name)).toEqual(['list'])
  expect(() => read({ '/files': { post } })).toThrow('no operations that can be called')
})

test('resolves variables of servers, servers of paths and operations, and referenced paths', async () => {
  const variables = { host: { default: host }, version: { enum: ['v1', 'v2'], default: 'v2' } }
  const templated = { servers: [{ url: 'http://{host}/{version}/', variables }] }
  expect(await call(read({ '/items': { get: {} } }, templated))).toBe('GET /v2/items')
  const own = { servers: [{ url: `http://${host}/own` }] }
  expect(await call(read({ '/items': { ...own, get: {} } }))).toBe('GET /own/items')
  expect(await call(read({ '/items': { get: own } }))).toBe('GET /own/items')
  const referenced = { components: { pathItems: { Items: { get: { operationId: 'items' } } } } }
  const functions = read({ '/items': { $ref: '#/components/pathItems/Items' } }, referenced)
  expect(functions.map(({ name }) => name)).toEqual(['items'])
  expect(() => read({ '/items': { get: {} } }, { servers: [{ url: '/v1' }] })).toThrow('Complete its servers')
})
