import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { defineFieldError } from '../../errors.ts'
import { parseXml } from '../parsers/xml.ts'
import { limited, type PageFetcher } from './fetch-page.ts'

/** Limits per site; the protocol limits one sitemap to 50 MB and 50,000 URLs. */
const maxSitemaps = 50
const sitemapBytes = 50 * 1024 * 1024
/** The number of pages after which no further sitemap is read. */
const maxPages = 100_000
/** The time after which no further sitemap of a slow site is read. */
const maxDurationMs = 60_000
const defaultPaths = ['/sitemap.xml', '/sitemap_index.xml']

const noSitemap = defineFieldError(
  'no_sitemap',
  'url',
  (host: string) =>
    `${host} has no readable sitemap, neither in robots.txt nor at /sitemap.xml. Enter the URL of its sitemap, or add its pages one by one.`,
)
const noPages = defineFieldError(
  'no_pages',
  'url',
  (address: string) => `The sitemap lists no accessible page under ${address}.`,
)

/**
 * Returns the pages under a URL that the site's sitemaps list, at most `maxCount` of `total`, in order. If the URL is a
 * sitemap, only that one is read. Omits other sites, and pages that robots.txt disallows. @throws AppError
 * no_sitemap, no_pages, and errors of fetching
 */
export async function sitePages(
  fetcher: PageFetcher,
  address: string,
  maxCount: number,
  signal: AbortSignal,
): Promise<{ pages: string[]; total: number }> {
  const start = new URL(address)
  const isSitemap = /\.xml(?:\.gz)?$/i.test(start.pathname)
  const robots = await fetcher.robotsOf(start, signal)
  const under = isSitemap ? '/' : start.pathname.slice(0, start.pathname.lastIndexOf('/') + 1)
  const isWanted = (url: URL) =>
    isSameSite(url, start) && url.pathname.startsWith(under) && robots.isAllowed(url)

  const pages = new Set<string>()
  const visited = new Set<string>()
  const startedAt = performance.now()
  let read = 0

  async function readAll(waiting: string[]): Promise<void> {
    for (const sitemap of waiting) {
      const isFinished =
        read === maxSitemaps || pages.size >= maxPages || performance.now() - startedAt > maxDurationMs
      if (isFinished) return
      if (visited.has(sitemap)) continue
      visited.add(sitemap)
      try {
        const { locations, isIndex } = await readSitemap(fetcher, sitemap, signal)
        read += 1
        const urls = locations.map((text) => URL.parse(text, sitemap)).filter((url) => url !== null)
        if (isIndex) waiting.push(...urls.filter((url) => isSameSite(url, start)).map((url) => url.href))
        else for (const url of urls) if (isWanted(url)) pages.add(withoutFragment(url))
      } catch (error) {
        signal.throwIfAborted()
        if (isSitemap) throw error
      }
    }
  }

  await readAll(isSitemap ? [start.href] : [...robots.sitemaps])
  // The default locations apply if robots.txt lists no readable sitemap.
  if (read === 0 && !isSitemap) await readAll(defaultPaths.map((path) => new URL(path, start).href))
  if (read === 0) throw noSitemap(start.host)
  if (pages.size === 0) throw noPages(start.origin + under)
  return { pages: [...pages].slice(0, maxCount), total: pages.size }
}

const isSameSite = (one: URL, other: URL) =>
  /^https?:$/.test(one.protocol) && withoutWww(one.host) === withoutWww(other.host)

const withoutWww = (host: string) => host.replace(/^www\./, '')

function withoutFragment(url: URL): string {
  const whole = new URL(url)
  whole.hash = ''
  return whole.href
}

async function readSitemap(fetcher: PageFetcher, address: string, signal: AbortSignal) {
  const { body, contentType } = await fetcher.fetchPage(address, signal)
  const locations: string[] = []
  let isIndex = false
  if (contentType === 'text/plain') {
    let text = ''
    for await (const chunk of limited(body, sitemapBytes)) text += Buffer.from(chunk).toString('utf8')
    return { locations: text.split(/\s+/).filter((line) => /^https?:\/\//.test(line)), isIndex }
  }
  let isLocation = false
  let location = ''
  let root: string | undefined
  await parseXml(buffers(limited(await decompressed(body), sitemapBytes)), {
    open: (name) => {
      root ??= name
      isLocation = name === 'loc'
      location = ''
    },
    text: (text) => {
      if (isLocation) location += text
    },
    close: (name) => {
      if (name === 'loc' && isLocation) locations.push(location.trim())
      isLocation = false
    },
  })
  isIndex = root === 'sitemapindex'
  if (!isIndex && root !== 'urlset') throw noSitemap(new URL(address).host)
  return { locations, isIndex }
}

async function* buffers(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk)
}

/** Decompresses a gzipped sitemap, whatever its media type. */
async function decompressed(body: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = body[Symbol.asyncIterator]()
  const first = await iterator.next()
  async function* whole() {
    if (first.done) return
    yield first.value
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  const isPacked = !first.done && first.value[0] === 0x1f && first.value[1] === 0x8b
  return isPacked ? Readable.from(whole()).compose(createGunzip()) : whole()
}
