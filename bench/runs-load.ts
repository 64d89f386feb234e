// The clients of bench/runs.ts: requests over node:http, and what they measure.
import { Agent, type IncomingMessage, request } from 'node:http'

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

/** Opens a stream. */
export async function open(method: string, url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method, agent }, resolve).on('error', reject).end()
  })
}

export async function json<T>(method: string, url: string): Promise<T> {
  const response = await open(method, url)
  let text = ''
  for await (const part of response) text += String(part)
  return JSON.parse(text) as T
}

const moments = /"at":"([\d,]+)"/g

/** Milliseconds from the model's sending to here, for each token of a piece of a stream. */
export function delaysIn(text: string, now = process.hrtime.bigint()): number[] {
  return [...text.matchAll(moments)].flatMap(([, list = '']) =>
    list.split(',').map((at) => Number(now - BigInt(at)) / 1e6),
  )
}

export type Answer = { firstMs: number; delays: number[] }

/** One answer to its end: how long its first token took from the request on, and how late each token was. */
export async function answer(method: string, url: string): Promise<Answer> {
  const begun = performance.now()
  const response = await open(method, url)
  let firstMs = Number.NaN
  const delays: number[] = []
  for await (const part of response) {
    const found = delaysIn(String(part))
    if (Number.isNaN(firstMs) && found.length > 0) firstMs = performance.now() - begun
    delays.push(...found)
  }
  return { firstMs, delays }
}

export const quantile = (values: number[], part: number): number => {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

export const fixed = (value: number, digits = 1): string => value.toFixed(digits)
/** p50 and p99. */
export const spread = (values: number[]): string =>
  `${fixed(quantile(values, 0.5))} / ${fixed(quantile(values, 0.99))}`
