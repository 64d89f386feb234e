import { z } from 'zod'
import type { ToolFunction } from '../../db/index.ts'
import type { publicClient } from '../../knowledge/index.ts'
import { badArguments, badDescription, toolAnswered, tooManyFunctions } from '../errors.ts'
import { headersOf, isHeaderParameter, maxHeaderParameters } from './header-parameters.ts'
import { parseDescription } from './parse-description.ts'

export const maxFunctions = 100
export const maxDescriptionCharacters = 500
/** A function with longer parameters is offered with any object as its arguments. */
const maxSchemaCharacters = 8_000
/** References are resolved in at most this many parts of a schema. */
const maxSchemaNodes = 2_000
const maxSpecBytes = 4 * 1024 * 1024
const maxResponseBytes = 1024 * 1024
const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

type Client = ReturnType<typeof publicClient>
type Json = Record<string, unknown>

const object = z.record(z.string(), z.unknown())
const description = z.object({
  openapi: z.string().regex(/^3\./),
  servers: z.array(z.object({ url: z.string() })).optional(),
  paths: z.record(z.string(), object),
})
const operation = z.object({
  operationId: z.string().optional(),
  summary: z.string().optional(),
  description: z.string().optional(),
  servers: z.unknown().optional(),
  parameters: z.array(object).optional(),
  requestBody: object.optional(),
})
const parameter = z.object({
  name: z.string(),
  in: z.string(),
  required: z.boolean().optional(),
  description: z.string().optional(),
  schema: object.optional(),
})

/** Fetches an OpenAPI description and returns its functions. @throws AppError with a sentence for the owner */
export async function fetchFunctions(
  client: Client,
  { url, headers, signal }: { url: string; headers: Record<string, string>; signal: AbortSignal },
): Promise<ToolFunction[]> {
  const response = await client.send(url, { headers, signal, maxBytes: maxSpecBytes })
  if (response.status !== 200) throw toolAnswered(response.status, '')
  return readFunctions(await parseDescription(response.text, signal), url)
}

/** Returns the functions of an OpenAPI description, whose relative addresses are relative to `base`. */
export function readFunctions(spec: unknown, base: string | undefined): ToolFunction[] {
  const parsed = description.safeParse(spec)
  if (!parsed.success) throw badDescription('It has to be an OpenAPI description of version 3 with paths.')
  const { servers = [], paths } = parsed.data
  const server = URL.parse(servers[0]?.url ?? '/', base)
  if (!server) throw badDescription('It has no absolute address of a server.')
  const prefix = server.href.replace(/[?#].*$/s, '').replace(/\/$/, '')
  const functions: ToolFunction[] = []
  const names = new Set<string>()
  for (const [path, item] of Object.entries(paths)) {
    for (const method of methods) {
      const found = operation.safeParse(item[method])
      if (!found.success) continue
      if (functions.length >= maxFunctions) throw tooManyFunctions(maxFunctions)
      const shared = z.array(object).safeParse(item['parameters']).data ?? []
      const name = found.data.operationId ?? `${method} ${path}`
      if (names.has(name)) continue
      names.add(name)
      functions.push(toFunction(spec as Json, { name, method, url: prefix + path, shared, ...found.data }))
    }
  }
  if (functions.length === 0) throw badDescription('It has no operations.')
  return functions
}

function toFunction(
  spec: Json,
  given: z.output<typeof operation> & { name: string; method: string; url: string; shared: Json[] },
): ToolFunction {
  const inline = inliner(spec)
  const byName = new Map<string, z.output<typeof parameter>>()
  for (const raw of [...given.shared, ...(given.parameters ?? [])]) {
    const found = parameter.safeParse(inline(raw))
    if (!found.success) continue
    const { name, in: place } = found.data
    if (place === 'path' || place === 'query') byName.set(name, found.data)
    else if (place === 'header' && isHeaderParameter(name) && (byName.get(name)?.in ?? place) === place)
      byName.set(name, found.data)
  }
  const isHeader = ({ in: place }: z.output<typeof parameter>) => place === 'header'
  const headers = [...byName.values()].filter(isHeader).slice(0, maxHeaderParameters)
  const all = [...byName.values()].filter((each) => !isHeader(each) || headers.includes(each))
  const content = object.safeParse(object.safeParse(inline(given.requestBody)).data?.['content']).data ?? {}
  const media = object.safeParse(content['application/json']).data
  const body = media ? (byName.has('body') ? 'request_body' : 'body') : null
  const properties: Json = Object.fromEntries(
    all.map(({ name, schema = {}, description: text }) => [
      name,
      text ? { ...schema, description: text } : schema,
    ]),
  )
  if (media && body) properties[body] = media['schema'] ?? {}
  const required = all.flatMap(({ name, in: place, required: isRequired }) =>
    place === 'path' || isRequired ? [name] : [],
  )
  if (body && given.requestBody?.['required'] === true) required.push(body)
  const parameters = { type: 'object', properties, required }
  const isLong = JSON.stringify(parameters).length > maxSchemaCharacters
  return {
    name: given.name,
    description: (given.summary ?? given.description ?? '').slice(0, maxDescriptionCharacters),
    parameters: isLong ? { type: 'object' } : parameters,
    read_only: given.method === 'get',
    request: {
      method: given.method.toUpperCase(),
      url: given.url,
      path: all.flatMap(({ name, in: place }) => (place === 'path' ? [name] : [])),
      query: all.flatMap(({ name, in: place }) => (place === 'query' ? [name] : [])),
      header: headers.map(({ name }) => name),
      body,
    },
  }
}

/** Returns a function that puts what references name in their places; {} for circular and too many parts. */
function inliner(spec: Json) {
  let nodes = 0
  function inline(value: unknown, within: readonly string[] = []): unknown {
    nodes += 1
    if (nodes > maxSchemaNodes) return {}
    if (Array.isArray(value)) return value.map((each) => inline(each, within))
    if (typeof value !== 'object' || value === null) return value
    const reference = (value as Json)['$ref']
    if (typeof reference === 'string')
      return within.includes(reference) ? {} : inline(find(spec, reference), [...within, reference])
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inline(each, within)]))
  }
  return inline
}

/** Finds what a local JSON pointer names; {} for others. */
function find(spec: Json, reference: string): unknown {
  if (!reference.startsWith('#/')) return {}
  let value: unknown = spec
  for (const part of reference.slice(2).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return {}
    value = (value as Json)[name]
  }
  return value
}

/** Calls a function and returns the text of the response. @throws AppError with a sentence for the model */
export async function callFunction(
  client: Client,
  request: NonNullable<ToolFunction['request']>,
  given: Json,
  { headers, signal }: { headers: Record<string, string>; signal: AbortSignal },
): Promise<string> {
  const missing = request.path.find((name) => given[name] === undefined)
  if (missing !== undefined) throw badArguments(`${missing} is missing`)
  const filled = request.path.reduce(
    (address, name) => address.replaceAll(`{${name}}`, segment(name, given[name])),
    request.url,
  )
  const url = new URL(filled)
  for (const name of request.query)
    for (const value of [given[name] ?? []].flat()) url.searchParams.append(name, asText(value))
  const body = request.body === null ? undefined : given[request.body]
  const response = await client.send(url.href, {
    method: request.method,
    headers: {
      accept: 'application/json, text/*;q=0.9',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headersOf(request.header ?? [], given, headers),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    maxBytes: maxResponseBytes,
  })
  if (response.status >= 300) throw toolAnswered(response.status, response.text)
  return response.text
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** A variable of a path cannot lead to another path. */
function segment(name: string, value: unknown): string {
  const text = asText(value)
  if (text === '' || text === '.' || text === '..') throw badArguments(`${name} cannot be "${text}"`)
  return encodeURIComponent(text)
}
