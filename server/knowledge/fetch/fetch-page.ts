import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Agent, request } from 'undici'
import { AppError, defineError } from '../../errors.ts'
import { isPublicAddress } from './public-address.ts'
import { allowAll, parseRobots, type Robots } from './robots.ts'

export type FetchLimits = {
  /** Maximum size of the decompressed body. */
  bytes: number
  /** Time for the whole request, redirects included. */
  milliseconds: number
  redirects: number
}

/** Network functions that a test can replace: name resolution, and which addresses may be contacted. */
export type Network = { lookup?: LookupFunction; mayCall?: (address: string, host?: string) => boolean }

export type FetchedPage = {
  /** The final URL after redirects. */
  url: string
  /** The media type without parameters, in lower case; empty when the server sends none. */
  contentType: string
  body: AsyncIterable<Uint8Array>
}

const userAgentName = 'Gabee'
const userAgent = `${userAgentName} (self-hosted; reads a page when a person asks for it)`
const wanted = 'text/html,application/xhtml+xml,application/pdf;q=0.9,text/*;q=0.8,*/*;q=0.5'

const addressRefused = defineError(
  422,
  'address_refused',
  (host: string) =>
    `${host} is not on the public internet; addresses of this machine and its network are not fetched.`,
)
const urlRefused = defineError(
  422,
  'url_refused',
  () => 'Only http and https addresses without a password can be fetched.',
)
const tooManyRedirects = defineError(
  422,
  'too_many_redirects',
  (most: number) => `The address redirects more than ${most} times.`,
)
const answeredBadly = defineError(
  422,
  'fetch_failed',
  (host: string, status: number) => `${host} answered with status ${status}.`,
)
const closedByRobots = defineError(
  422,
  'closed_by_robots',
  (url: string) =>
    `${url} is closed to programs by its site (robots.txt). Open it in a browser, save it and upload the file.`,
)
const unreachable = defineError(
  422,
  'fetch_failed',
  (host: string) => `${host} could not be reached; check the address.`,
)
const tooSlow = defineError(
  422,
  'fetch_timed_out',
  (host: string, seconds: number) => `${host} took longer than ${seconds} seconds.`,
)
const tooMuch = defineError(
  413,
  'too_large',
  (megabytes: number) => `What is at the address is larger than ${megabytes} MB.`,
)

/** How long a robots.txt is cached, its maximum size, and the maximum number of cached origins. */
const robotsMs = 10 * 60_000
const robotsBytes = 512 * 1024
const mostOrigins = 1_000

/**
 * Fetches pages from the public internet only. Every connection is checked at the address it actually uses,
 * which covers names that resolve to private addresses, DNS rebinding and redirects. robots.txt is respected,
 * including its crawl delay.
 */
export function pageFetcher(
  limits: FetchLimits,
  { lookup = systemLookup as LookupFunction, mayCall = isPublicAddress }: Network = {},
) {
  const agent = new Agent({
    connect: { lookup: checkedLookup(lookup, mayCall), timeout: 10_000 },
    connections: 4,
    keepAliveTimeout: 1_000,
  })
  const origins = new Map<string, { robots: Robots; until: number; nextAt: number }>()

  /** @throws AppError with a message for the user; the signal's reason when it fires */
  async function fetchPage(address: string, signal: AbortSignal): Promise<FetchedPage> {
    const { status, ...page } = await follow(address, signal, async (url, either) => {
      if (!(await robotsOf(url, either)).mayRead(url)) throw closedByRobots(url.href)
      await turnAt(url.origin, either)
    })
    if (status === 200) return page
    throw answeredBadly(new URL(page.url).host, status)
  }

  /** Returns the parsed robots.txt of a page's site. @throws AppError when the site fails to answer */
  async function robotsOf({ origin, host }: URL, signal: AbortSignal): Promise<Robots> {
    const known = origins.get(origin)
    if (known && known.until > Date.now()) return known.robots
    const { status, body } = await follow(`${origin}/robots.txt`, signal, async () => undefined)
    // RFC 9309: an unavailable file means no rules, but a server error means no access.
    if (status >= 500) throw answeredBadly(host, status)
    const robots = status === 200 ? parseRobots(await startOf(body, robotsBytes), userAgentName) : allowAll
    const [oldest] = origins.keys()
    if (origins.size >= mostOrigins && oldest !== undefined) origins.delete(oldest)
    origins.set(origin, { robots, until: Date.now() + robotsMs, nextAt: known?.nextAt ?? 0 })
    return robots
  }

  /** Waits for the site's crawl delay. */
  async function turnAt(origin: string, signal: AbortSignal): Promise<void> {
    const site = origins.get(origin)
    if (!site) return
    const now = Date.now()
    const at = Math.max(now, site.nextAt)
    site.nextAt = at + site.robots.delayMs
    if (at > now) await pause(at - now, undefined, { signal })
  }

  /** Requests a URL and follows redirects, calling `before` ahead of each request. */
  async function follow(
    address: string,
    signal: AbortSignal,
    before: (url: URL, signal: AbortSignal) => Promise<void>,
  ): Promise<FetchedPage & { status: number }> {
    const timeout = AbortSignal.timeout(limits.milliseconds)
    const either = AbortSignal.any([signal, timeout])
    let url = checkedUrl(address, mayCall)
    try {
      for (let redirects = 0; ; redirects++) {
        await before(url, either)
        const { statusCode, headers, body } = await request(url, {
          dispatcher: agent,
          signal: either,
          headers: { 'user-agent': userAgent, accept: wanted, 'accept-encoding': 'gzip, deflate, br' },
        })
        const location = headers['location']
        if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
          await body.dump()
          if (redirects === limits.redirects) throw tooManyRedirects(limits.redirects)
          url = checkedUrl(URL.parse(location, url)?.href ?? '', mayCall)
          continue
        }
        if (statusCode !== 200) await body.dump()
        const header = (name: string) => String(headers[name] ?? '').toLowerCase()
        const unpackedBody = unpacked(body, header('content-encoding').trim())
        return {
          status: statusCode,
          url: url.href,
          contentType: header('content-type').split(';', 1)[0]?.trim() ?? '',
          body: explained(limited(unpackedBody, limits.bytes), url),
        }
      }
    } catch (error) {
      throw explain(error, url)
    }

    async function* explained(chunks: AsyncIterable<Uint8Array>, from: URL): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks
      } catch (error) {
        throw explain(error, from)
      }
    }

    function explain(error: unknown, from: URL): unknown {
      signal.throwIfAborted()
      if (error instanceof AppError) return error
      if (timeout.aborted) return tooSlow(from.host, Math.round(limits.milliseconds / 1000))
      const refused = refusalIn(error)
      return refused ?? Object.assign(unreachable(from.host), { cause: error })
    }
  }

  return { fetchPage, robotsOf, [Symbol.asyncDispose]: () => agent.destroy() }
}

export type PageFetcher = ReturnType<typeof pageFetcher>

function checkedUrl(address: string, mayCall: (address: string, host?: string) => boolean): URL {
  const url = URL.parse(address)
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw urlRefused()
  // A host that is an IP address is never resolved, so it is checked here.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && !mayCall(host)) throw addressRefused(url.hostname)
  return url
}

/** Resolves a name once, checks all its addresses, and passes exactly these to the connection. */
function checkedLookup(
  lookup: LookupFunction,
  mayCall: (address: string, host?: string) => boolean,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, [])
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found
      if (addresses.length === 0 || addresses.some(({ address }) => !mayCall(address, hostname)))
        return callback(addressRefused(hostname) as NodeJS.ErrnoException, [])
      const [first] = addresses
      if (options.all) callback(null, addresses)
      else callback(null, first?.address ?? '', first?.family ?? 4)
    })
  }
}

/** Returns the AppError inside an error that the HTTP client wrapped. */
function refusalIn(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error
  if (error instanceof AggregateError) return error.errors.map(refusalIn).find(Boolean)
  return error instanceof Error && error.cause !== undefined ? refusalIn(error.cause) : undefined
}

function unpacked(
  body: AsyncIterable<Uint8Array> & NodeJS.ReadableStream,
  encoding: string,
): AsyncIterable<Uint8Array> {
  const unpack =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? createGunzip()
      : encoding === 'deflate'
        ? createInflate()
        : encoding === 'br'
          ? createBrotliDecompress()
          : undefined
  if (!unpack) return body
  body.on('error', (error) => unpack.destroy(error))
  return body.pipe(unpack)
}

/** Passes chunks through. @throws AppError too_large beyond `most` bytes */
export async function* limited(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    if (bytes > most) throw tooMuch(Math.floor(most / 1024 / 1024))
    yield chunk
  }
}

/** Reads a text up to a maximum length and truncates the rest. */
async function startOf(body: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length >= most) break
  }
  return text
}
