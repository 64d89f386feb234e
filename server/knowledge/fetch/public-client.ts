import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { Agent, request, fetch as undiciFetch } from 'undici'
import { toAppError } from '../../errors.ts'
import { checkedLookup, checkedUrl, findAppError, limited, type Network, unreachable } from './fetch-page.ts'
import { isPublicAddress } from './public-address.ts'

/** Of one response; a stream of events may be long. */
const maxFetchedBytes = 8 * 1024 * 1024

/**
 * Reaches the public internet, and `allowedHosts` (`name` or `name:port`) from the setting `setting`; redirects are not
 * followed.
 */
export function publicClient({
  allowedHosts,
  setting,
  timeoutMs,
  lookup = systemLookup as LookupFunction,
  isAllowedAddress = isPublicAddress,
}: Network & { allowedHosts: string[]; setting: string; timeoutMs: number }) {
  const allowed = new Set(allowedHosts)
  const isListed = ({ hostname, host }: URL) => allowed.has(hostname) || allowed.has(host)
  const agent = new Agent({
    connect: { lookup: checkedLookup(lookup, isAllowedAddress, setting), timeout: timeoutMs },
  })
  const listedAgent = new Agent({ connect: { timeout: timeoutMs } })

  /** Returns the URL. @throws 422 if it is not allowed */
  function assertAllowed(address: string): URL {
    const isAllowed = (ip: string) => {
      const url = URL.parse(address)
      return isAllowedAddress(ip) || (url !== null && isListed(url))
    }
    return checkedUrl(address, isAllowed, setting)
  }

  const dispatcherFor = (url: URL) => (isListed(url) ? listedAgent : agent)

  /** Sends a request and reads the response as text. @throws AppError with a message for the user */
  async function send(
    address: string,
    {
      method = 'GET',
      body,
      headers,
      signal,
      maxBytes,
    }: {
      method?: string
      body?: string | undefined
      headers: Record<string, string>
      signal: AbortSignal
      maxBytes: number
    },
  ): Promise<{ status: number; text: string }> {
    const url = assertAllowed(address)
    try {
      const response = await request(url, {
        method: method as 'GET',
        body: body ?? null,
        headers,
        dispatcher: dispatcherFor(url),
        signal,
      })
      return { status: response.statusCode, text: await text(limited(response.body, maxBytes)) }
    } catch (error) {
      signal.throwIfAborted()
      throw findAppError(error) ?? Object.assign(unreachable(url.host), { cause: toAppError(error) })
    }
  }

  return {
    assertAllowed,
    send,

    /** `fetch` for libraries that take one. A response larger than `maxFetchedBytes` fails while it is read. */
    async fetch(address: string | URL, init: RequestInit = {}): Promise<Response> {
      const url = assertAllowed(String(address))
      const { status, headers, body } = await undiciFetch(url, {
        ...(init as object),
        redirect: 'manual',
        dispatcher: dispatcherFor(url),
      })
      const hasBody = body !== null && status >= 200 && status !== 204 && status !== 205 && status !== 304
      return new Response(hasBody ? toWeb(limited(body, maxFetchedBytes)) : null, {
        status,
        headers: [...headers],
      })
    },

    /** Returns the status of the response. @throws AppError with a message for the user */
    async post(
      address: string,
      body: string,
      headers: Record<string, string>,
      signal: AbortSignal,
    ): Promise<number> {
      const all = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      return (await send(address, { method: 'POST', body, headers, signal: all, maxBytes: maxFetchedBytes }))
        .status
    },

    [Symbol.asyncDispose]: async () => {
      await Promise.all([agent.destroy(), listedAgent.destroy()])
    },
  }
}

const toWeb = (chunks: AsyncIterable<Uint8Array>) =>
  Readable.toWeb(Readable.from(chunks, { objectMode: false })) as ReadableStream<Uint8Array<ArrayBuffer>>
