// The clients of bench/runs.ts, with node:http, and their measurements.
import { Agent, type IncomingMessage, request } from 'node:http'
import { fixed, quantile } from './data.ts'

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

type Content = { body?: object; token?: string | undefined }

/** Sends a request, with `body` as JSON, and resolves with its response, whose body is unread. */
export async function open(
  method: string,
  url: string,
  { body, token }: Content = {},
): Promise<IncomingMessage> {
  const headers = {
    ...(body && { 'content-type': 'application/json' }),
    ...(token && { authorization: `Bearer ${token}` }),
  }
  return new Promise((resolve, reject) => {
    request(url, { method, agent, headers }, resolve)
      .on('error', reject)
      .end(body && JSON.stringify(body))
  })
}

export async function json<T>(method: string, url: string): Promise<T> {
  const response = await open(method, url)
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return JSON.parse(text) as T
}

/** Returns the milliseconds since the model sent each token of a chunk: a token contains its timestamp after an @. */
export function delaysIn(text: string, now = process.hrtime.bigint()): number[] {
  return [...text.matchAll(/@(\d+)/g)].map(([, at = '0']) => Number(now - BigInt(at)) / 1e6)
}

export type Answer = {
  /** From the request to the first token. */
  firstMs: number
  delays: number[]
  /** Between one chunk with tokens and the next. */
  gaps: number[]
}

/** Reads an answer and measures its tokens. `onFirst` is called at the first one. */
export async function answer(
  method: string,
  url: string,
  content?: Content,
  onFirst?: () => Promise<void>,
): Promise<Answer> {
  let last = performance.now()
  const response = await open(method, url, content)
  const delays: number[] = []
  const times: number[] = []
  for await (const chunk of response) {
    const found = delaysIn(String(chunk))
    if (found.length === 0) continue
    delays.push(...found)
    times.push(performance.now() - last)
    last = performance.now()
    if (times.length === 1) await onFirst?.()
  }
  const [firstMs = Number.NaN, ...gaps] = times
  if (Number.isNaN(firstMs)) throw new Error(`An answer has no token (status ${response.statusCode}).`)
  return { firstMs, delays, gaps }
}

/** Formats p50 and p99. */
export const spread = (values: number[]): string =>
  `${fixed(quantile(values, 0.5), 1)} / ${fixed(quantile(values, 0.99), 1)}`
