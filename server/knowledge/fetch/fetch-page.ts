import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Agent, request } from 'undici'
import { AppError, defineError, defineFieldError } from '../../errors.ts'
import { isPublicAddress } from './public-address.ts'
import { allowAll, parseRobots, type Robots } from './robots.ts'

export type FetchLimits = {
  /** Maximum size of the decompressed body. */
  bytes: number
  /** Timeout of the whole request, including redirects. */
  milliseconds: number
  redirects: number
}

/** Network functions that a test can replace: name resolution, and which addresses may be contacted. */
export type Network = {
  lookup?: LookupFunction
  isAllowedAddress?: (address: string, host?: string) => boolean
}

export type FetchedPage = {
  /** The final URL after redirects. */
  url: string
  /** The media type without parameters, in lower case; empty when the server sends none. */
  contentType: string
  body: AsyncIterable<Uint8Array>
}

const userAgentName = 'Gabee'
const userAgent = `${userAgentName} (self-hosted; fetches pages on request)`
const acceptHeader = 'text/html,application/xhtml+xml,application/pdf;q=0.9,text/*;q=0.8,*/*;q=0.5'

const addressRefused = defineFieldError(
  'address_refused',
  'url',
  (host: string, setting: string | undefined) =>
    `${host} is not on the public internet, and Gabee does not connect to its own machine or network. ${setting === undefined ? 'Enter a public address.' : `An administrator can allow the host with ${setting}.`}`,
)
const urlRefused = defineFieldError(
  'url_refused',
  'url',
  () => 'Only http and https URLs without a password can be fetched.',
)
const tooManyRedirects = defineFieldError(
  'too_many_redirects',
  'url',
  (limit: number) => `The URL redirects more than ${limit} times.`,
)
const unexpectedStatus = defineFieldError(
  'fetch_failed',
  'url',
  (host: string, status: number) => `${host} answered with status ${status}.`,
)
const blockedByRobots = defineFieldError(
  'closed_by_robots',
  'url',
  (url: string) =>
    `The site's robots.txt does not allow programs to fetch ${url}. Open the page in a browser, save it and upload the file.`,
)
export const unreachable = defineFieldError(
  'fetch_failed',
  'url',
  (host: string) => `${host} could not be reached. Check the URL.`,
)
const fetchTimedOut = defineFieldError(
  'fetch_timed_out',
  'url',
  (host: string, seconds: number) => `${host} took longer than ${seconds} seconds.`,
)
const contentTooLarge = defineError(
  413,
  'too_large',
  (megabytes: number) => `The content at the URL is larger than ${megabytes} MB.`,
)

/** How long a robots.txt is cached, its maximum size, and the maximum number of cached origins. */
const robotsMs = 10 * 60_000
const robotsBytes = 512 * 1024
const maxOrigins = 1_000

/**
 * Fetches pages from the public internet only, if robots.txt allows it and with its crawl delay. The address of every
 * connection is checked, which covers names of private addresses, DNS rebinding and redirects.
 */
export function pageFetcher(
  limits: FetchLimits,
  { lookup = systemLookup as LookupFunction, isAllowedAddress = isPublicAddress }: Network = {},
) {
  const agent = new Agent({
    connect: { lookup: checkedLookup(lookup, isAllowedAddress), timeout: 10_000 },
    connections: 4,
    keepAliveTimeout: 1_000,
  })
  const origins = new Map<string, { robots: Robots; until: number; nextAt: number }>()

  /** @throws AppError with a message for the user; the signal's reason when it fires */
  async function fetchPage(address: string, signal: AbortSignal): Promise<FetchedPage> {
    const { status, ...page } = await follow(address, signal, async (url, either) => {
      if (!(await robotsOf(url, either)).isAllowed(url)) throw blockedByRobots(url.href)
      await waitForCrawlDelay(url.origin, either)
    })
    if (status === 200) return page
    throw unexpectedStatus(new URL(page.url).host, status)
  }

  /** Returns the parsed robots.txt of a page's site. @throws AppError if the site does not answer */
  async function robotsOf({ origin, host }: URL, signal: AbortSignal): Promise<Robots> {
    const known = origins.get(origin)
    if (known && known.until > Date.now()) return known.robots
    const { status, body } = await follow(`${origin}/robots.txt`, signal, async () => undefined)
    // RFC 9309: an unavailable file means no rules, but a server error means no access.
    if (status >= 500) throw unexpectedStatus(host, status)
    const robots = status === 200 ? parseRobots(await readStart(body, robotsBytes), userAgentName) : allowAll
    const [oldest] = origins.keys()
    if (origins.size >= maxOrigins && oldest !== undefined) origins.delete(oldest)
    origins.set(origin, { robots, until: Date.now() + robotsMs, nextAt: known?.nextAt ?? 0 })
    return robots
  }

  /** Waits for the site's crawl delay. */
  async function waitForCrawlDelay(origin: string, signal: AbortSignal): Promise<void> {
    const site = origins.get(origin)
    if (!site) return
    const now = Date.now()
    const at = Math.max(now, site.nextAt)
    site.nextAt = at + site.robots.delayMs
    if (at > now) await pause(at - now, undefined, { signal })
  }

  /** Requests a URL and follows redirects; calls `before` before each request. */
  async function follow(
    address: string,
    signal: AbortSignal,
    before: (url: URL, signal: AbortSignal) => Promise<void>,
  ): Promise<FetchedPage & { status: number }> {
    const timeout = AbortSignal.timeout(limits.milliseconds)
    const either = AbortSignal.any([signal, timeout])
    let url = checkedUrl(address, isAllowedAddress)
    try {
      for (let redirects = 0; ; redirects++) {
        await before(url, either)
        const { statusCode, headers, body } = await request(url, {
          dispatcher: agent,
          signal: either,
          headers: { 'user-agent': userAgent, accept: acceptHeader, 'accept-encoding': 'gzip, deflate, br' },
        })
        const location = headers['location']
        if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
          await body.dump()
          if (redirects === limits.redirects) throw tooManyRedirects(limits.redirects)
          url = checkedUrl(URL.parse(location, url)?.href ?? '', isAllowedAddress)
          continue
        }
        if (statusCode !== 200) await body.dump()
        const header = (name: string) => String(headers[name] ?? '').toLowerCase()
        const decompressedBody = decompress(body, header('content-encoding').trim())
        return {
          status: statusCode,
          url: url.href,
          contentType: header('content-type').split(';', 1)[0]?.trim() ?? '',
          body: withExplainedErrors(limited(decompressedBody, limits.bytes), url),
        }
      }
    } catch (error) {
      throw explain(error, url)
    }

    async function* withExplainedErrors(
      chunks: AsyncIterable<Uint8Array>,
      from: URL,
    ): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks
      } catch (error) {
        throw explain(error, from)
      }
    }

    function explain(error: unknown, from: URL): unknown {
      signal.throwIfAborted()
      if (error instanceof AppError) return error
      if (timeout.aborted) return fetchTimedOut(from.host, Math.round(limits.milliseconds / 1000))
      const refused = findAppError(error)
      return refused ?? Object.assign(unreachable(from.host), { cause: error })
    }
  }

  return { fetchPage, robotsOf, [Symbol.asyncDispose]: () => agent.destroy() }
}

export type PageFetcher = ReturnType<typeof pageFetcher>

/** `setting` names the setting that allows further hosts, if there is one. */
export function checkedUrl(
  address: string,
  isAllowedAddress: (address: string, host?: string) => boolean,
  setting?: string,
): URL {
  const url = URL.parse(address)
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw urlRefused()
  // A host that is an IP address is never resolved, so it is checked here.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && !isAllowedAddress(host)) throw addressRefused(url.hostname, setting)
  return url
}

/** Resolves a name once, checks all its addresses, and connects only to these. */
export function checkedLookup(
  lookup: LookupFunction,
  isAllowedAddress: (address: string, host?: string) => boolean,
  setting?: string,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, [])
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found
      if (addresses.length === 0 || addresses.some(({ address }) => !isAllowedAddress(address, hostname)))
        return callback(addressRefused(hostname, setting) as NodeJS.ErrnoException, [])
      const [first] = addresses
      if (options.all) callback(null, addresses)
      else callback(null, first?.address ?? '', first?.family ?? 4)
    })
  }
}

/** Returns the AppError inside an error that the HTTP client wrapped. */
export function findAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error
  if (error instanceof AggregateError) return error.errors.map(findAppError).find(Boolean)
  return error instanceof Error && error.cause !== undefined ? findAppError(error.cause) : undefined
}

function decompress(
  body: AsyncIterable<Uint8Array> & NodeJS.ReadableStream,
  encoding: string,
): AsyncIterable<Uint8Array> {
  const decompressor =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? createGunzip()
      : encoding === 'deflate'
        ? createInflate()
        : encoding === 'br'
          ? createBrotliDecompress()
          : undefined
  if (!decompressor) return body
  body.on('error', (error) => decompressor.destroy(error))
  return body.pipe(decompressor)
}

/** Yields the chunks of a stream. @throws AppError too_large beyond `maxBytes` */
export async function* limited(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw contentTooLarge(Math.floor(maxBytes / 1024 / 1024))
    yield chunk
  }
}

/** Reads a text up to a maximum length and truncates the rest. */
async function readStart(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length >= maxBytes) break
  }
  return text
}
