// The clients of bench/runs.ts, with node:http, and their measurements.
import { Agent, type IncomingMessage, request } from 'node:http'
import { fixed, quantile } from './data.ts'

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

/** Sends a request and resolves with its response, whose body is unread. */
export async function open(method: string, url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method, agent }, resolve).on('error', reject).end()
  })
}

export async function json<T>(method: string, url: string): Promise<T> {
  const response = await open(method, url)
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return JSON.parse(text) as T
}

const timestamps = /"at":"([\d,]+)"/g

/** Returns the milliseconds since the model sent each token of a chunk. */
export function delaysIn(text: string, now = process.hrtime.bigint()): number[] {
  return [...text.matchAll(timestamps)].flatMap(([, list = '']) =>
    list.split(',').map((at) => Number(now - BigInt(at)) / 1e6),
  )
}

export type Answer = { firstMs: number; delays: number[] }

/** Reads an answer; returns the time from the request to its first token, and the delay of each token. */
export async function answer(method: string, url: string): Promise<Answer> {
  const startedAt = performance.now()
  const response = await open(method, url)
  let firstMs = Number.NaN
  const delays: number[] = []
  for await (const chunk of response) {
    const found = delaysIn(String(chunk))
    if (Number.isNaN(firstMs) && found.length > 0) firstMs = performance.now() - startedAt
    delays.push(...found)
  }
  return { firstMs, delays }
}

/** Formats p50 and p99. */
export const spread = (values: number[]): string =>
  `${fixed(quantile(values, 0.5), 1)} / ${fixed(quantile(values, 0.99), 1)}`
