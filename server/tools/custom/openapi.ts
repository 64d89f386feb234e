import { z } from 'zod'
import type { ToolFunction } from '../../db/index.ts'
import type { publicClient } from '../../knowledge/index.ts'
import { badArguments, badDescription, toolAnswered, tooManyFunctions } from '../errors.ts'
import { headersOf, isHeaderParameter, maxHeaderParameters } from './header-parameters.ts'
import { parseDescription } from './parse-description.ts'

export const maxFunctions = 100
export const maxDescriptionCharacters = 500
/** A function with a longer schema of parameters accepts any object instead. */
const maxSchemaCharacters = 8_000
/** References are resolved in at most this many parts of a schema. */
const maxSchemaNodes = 2_000
const maxSpecBytes = 4 * 1024 * 1024
const maxResponseBytes = 1024 * 1024
const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

type Client = ReturnType<typeof publicClient>
type Json = Record<string, unknown>

const object = z.record(z.string(), z.unknown())
const servers = z.array(
  z.object({
    url: z.string(),
    variables: z.record(z.string(), z.object({ default: z.string() })).optional(),
  }),
)
const description = z.object({
  openapi: z.string().regex(/^3\./),
  servers: servers.optional(),
  paths: z.record(z.string(), z.looseObject({ $ref: z.string().optional() })),
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
  content: z.record(z.string(), z.object({ schema: object.optional() })).optional(),
  style: z.string().optional(),
  explode: z.boolean().optional(),
})
type Parameter = z.output<typeof parameter>
type Request = NonNullable<ToolFunction['request']>
type Style = NonNullable<Request['styles']>[string]

const formType = 'application/x-www-form-urlencoded'

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
  if (!parsed.success) throw badDescription('It must be an OpenAPI 3 description with paths.')
  const functions: ToolFunction[] = []
  const names = new Set<string>()
  for (const [path, raw] of Object.entries(parsed.data.paths)) {
    const item: Json = { ...object.safeParse(find(spec as Json, raw.$ref ?? '')).data, ...raw }
    for (const method of methods) {
      const found = operation.safeParse(item[method])
      if (!found.success) continue
      if (functions.length >= maxFunctions) throw tooManyFunctions(maxFunctions)
      const shared = z.array(object).safeParse(item['parameters']).data ?? []
      const name = found.data.operationId ?? `${method} ${path}`
      if (names.has(name)) continue
      const nearest = [found.data.servers, item['servers']].find((each) => servers.safeParse(each).success)
      const url = addressOf(servers.safeParse(nearest).data ?? parsed.data.servers, base) + path
      const read = toFunction(spec as Json, { name, method, url, shared, ...found.data })
      if (!read) continue
      names.add(name)
      functions.push(read)
    }
  }
  if (functions.length === 0) throw badDescription('It has no operations that can be called.')
  return functions
}

/** Returns the address of the first server, with the defaults of its variables. */
function addressOf([first]: z.output<typeof servers> = [], base: string | undefined): string {
  const filled = (first?.url ?? '/').replaceAll(
    /\{([^{}]+)\}/g,
    (whole, name: string) => first?.variables?.[name]?.default ?? whole,
  )
  const server = URL.parse(filled, base)
  if (!server)
    throw badDescription(
      'It has no absolute address of a server. Complete its servers, or send its url instead.',
    )
  return server.href.replace(/[?#].*$/s, '').replace(/\/$/, '')
}

/** Returns undefined for an operation that needs a body of another type than JSON and form fields. */
function toFunction(
  spec: Json,
  given: z.output<typeof operation> & { name: string; method: string; url: string; shared: Json[] },
): ToolFunction | undefined {
  const inline = inliner(spec)
  const byName = new Map<string, Parameter>()
  for (const raw of [...given.shared, ...(given.parameters ?? [])]) {
    const found = parameter.safeParse(inline(raw))
    if (!found.success) continue
    const { name, in: place } = found.data
    if (place === 'path' || (place === 'query' && byName.get(name)?.in !== 'path'))
      byName.set(name, found.data)
    else if (place === 'header' && isHeaderParameter(name) && (byName.get(name)?.in ?? place) === place)
      byName.set(name, found.data)
  }
  const isHeader = ({ in: place }: Parameter) => place === 'header'
  const headers = [...byName.values()].filter(isHeader).slice(0, maxHeaderParameters)
  const all = [...byName.values()].filter((each) => !isHeader(each) || headers.includes(each))
  const requestBody = object.safeParse(inline(given.requestBody)).data
  const content = Object.entries(object.safeParse(requestBody?.['content']).data ?? {})
  const [key = '', media] = content.find(([type]) => isJson(type)) ?? content.find(isForm) ?? []
  const isRequiredBody = requestBody?.['required'] === true
  if (isRequiredBody && content.length > 0 && media === undefined) return undefined
  const body = media === undefined ? null : byName.has('body') ? 'request_body' : 'body'
  const properties: Json = Object.fromEntries(
    all.map((each) => {
      const schema = each.schema ?? Object.values(each.content ?? {})[0]?.schema ?? {}
      return [each.name, each.description ? { ...schema, description: each.description } : schema]
    }),
  )
  if (body) properties[body] = object.safeParse(media).data?.['schema'] ?? {}
  const required = all.flatMap(({ name, in: place, required: isRequired }) =>
    place === 'path' || isRequired ? [name] : [],
  )
  if (body && isRequiredBody) required.push(body)
  const parameters = { type: 'object', properties, required }
  const isLong = JSON.stringify(parameters).length > maxSchemaCharacters
  const styles = all.flatMap((each) => {
    const style = each.in === 'query' ? styleOf(each) : undefined
    return style ? [[each.name, style] as const] : []
  })
  const type = typeOf(key)
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
      ...(styles.length > 0 && { styles: Object.fromEntries(styles) }),
      ...(body && type !== 'application/json' && type !== '*/*' && { media: type }),
    },
  }
}

const typeOf = (key: string) => key.replace(/;.*$/s, '').trim().toLowerCase()
const isForm = ([key]: [string, unknown]) => typeOf(key) === formType
const isJson = (key: string) =>
  ['application/json', '*/*'].includes(typeOf(key)) || typeOf(key).endsWith('+json')

/** OpenAPI 3.1, section 4.8.12.6, "Style Values". Undefined for a field per element. */
function styleOf({ style = 'form', explode = style === 'form', content }: Parameter): Style | undefined {
  if (content) return 'json'
  if (style === 'deepObject') return 'deep'
  if (explode) return undefined
  return style === 'pipeDelimited' ? 'pipes' : style === 'spaceDelimited' ? 'spaces' : 'csv'
}

/** Returns a function that inlines references; {} for circular references and beyond the limit. */
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

/** Resolves a local JSON pointer; {} for other references. */
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
  request: Request,
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
    for (const pair of fieldsOf(name, given[name], request.styles?.[name])) url.searchParams.append(...pair)
  const body = request.body === null ? undefined : given[request.body]
  const isFields = request.media === formType
  if (isFields && body !== undefined && !isObject(body))
    throw badArguments(`${request.body} must be an object`)
  const response = await client.send(url.href, {
    method: request.method,
    headers: {
      accept: 'application/json, text/*;q=0.9',
      ...(body !== undefined && { 'content-type': request.media ?? 'application/json' }),
      ...headersOf(request.header ?? [], given, headers),
      ...headers,
    },
    body:
      body === undefined
        ? undefined
        : isFields
          ? new URLSearchParams(fieldsOf('', body, undefined)).toString()
          : JSON.stringify(body),
    signal,
    maxBytes: maxResponseBytes,
  })
  if (response.status >= 300) throw toolAnswered(response.status, response.text)
  return response.text
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const elementsOf = (value: unknown): unknown[] =>
  isObject(value) ? Object.entries(value).flat() : [value].flat()

const separators = { csv: ',', pipes: '|', spaces: ' ' }

/** Returns the fields of a query or form that a value is written as. */
function fieldsOf(name: string, value: unknown, style: Style | undefined): [string, string][] {
  if (value === undefined || value === null) return []
  if (style === 'json') return [[name, JSON.stringify(value)]]
  if (style !== undefined && style !== 'deep')
    return [[name, elementsOf(value).map(asText).join(separators[style])]]
  if (!isObject(value)) return [value].flat().map((each) => [name, asText(each)])
  return Object.entries(value).flatMap(([key, each]) =>
    fieldsOf(style === 'deep' ? `${name}[${key}]` : key, isObject(each) ? asText(each) : each, undefined),
  )
}

/** Encodes a path variable, so that it cannot change the path. */
function segment(name: string, value: unknown): string {
  const texts = elementsOf(value).map(asText)
  const text = texts.join(',')
  if (text === '' || text === '.' || text === '..') throw badArguments(`${name} cannot be "${text}"`)
  return texts.map(encodeURIComponent).join(',')
}
