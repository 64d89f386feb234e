import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { expect } from 'vitest'
import { z } from 'zod'
import type { TestClient, TestResponse } from '../client.ts'
import { eventsOf, renderedEventsOf } from './curl.ts'

const errorShape = z.strictObject({
  error: z.strictObject({
    code: z.string().regex(/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/),
    message: z.string().regex(/^\S.*[.!?]$/s),
    details: z.unknown().optional(),
  }),
  detail: z.string(),
  success: z.literal(false).optional(),
  message: z.string().optional(),
})

/** Matches text that must never leave the server: stack traces, file paths, SQL. */
const internals =
  /\bat \S+ \(|node_modules|file:\/\/|\/server\/|\/tmp\/|\bselect\b.*\bfrom\b|insert into|violates|relation "/i

/** Checks the shape of an error response and returns its `error`. */
export function expectError(
  { status, headers, body }: TestResponse<unknown>,
  expected: number,
  code?: string,
) {
  expect({ status, body }, 'the status').toMatchObject({ status: expected })
  const { error, detail } = errorShape.parse(body)
  expect(detail, 'detail is the same sentence').toBe(error.message)
  expect(JSON.stringify(body)).not.toMatch(internals)
  expect(headers.get('x-request-id'), 'X-Request-Id').toMatch(/^\S+$/)
  if (code !== undefined) expect(error.code).toBe(code)
  return error
}

/** Does the same for a response that has not been read. */
export const expectErrorResponse = async (response: Response, expected: number, code?: string) =>
  expectError(await parseResponse(response), expected, code)

/** Reads a response; JSON bodies are parsed. */
export async function parseResponse(response: Response): Promise<TestResponse<unknown>> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') && text !== ''
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

export type Event = Record<string, unknown>

/** Reads a stream of canonical events; checks status, headers and frames, whose numbers start at `first`. */
export const streamOf = async (response: Response, first = 1): Promise<Event[]> =>
  eventsOf(await streamTextOf(response), first)

/** Reads a stream in a protocol of another product, with the same checks. */
export const renderedStreamOf = async (response: Response): Promise<Event[]> =>
  renderedEventsOf(await streamTextOf(response))

async function streamTextOf(response: Response): Promise<string> {
  const text = await response.text()
  expect(response.status, text).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'x-request-id': expect.stringMatching(/^\S+$/),
    'x-run-id': expect.stringMatching(uuid7),
    location: `/runs/${response.headers.get('x-run-id')}/events`,
  })
  return text
}

/** An id: a UUID of version 7 in lower case. */
export const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A time: ISO 8601 in UTC. */
export const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

/** Sends a request with exactly these headers, which `fetch` cannot do. */
export async function sendRaw(
  { url }: TestClient,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  const outgoing = request(`${url}/`, { method, path, headers })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += chunk as string
  return { status: response.statusCode ?? 0, headers: response.headers, body: text }
}

/** Creates a form with the files under `files`, and further fields. */
export function formOf(
  files: { name: string; content: string | Uint8Array<ArrayBuffer>; type?: string }[],
  fields: Record<string, string> = {},
): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  for (const { name, content, type } of files)
    form.append('files', new File([content], name, type ? { type } : {}))
  return form
}

/** Polls until the callback returns a value, up to the test's timeout. */
export async function until<T>(read: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await read()
    if (found !== undefined && found !== false) return found
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}
