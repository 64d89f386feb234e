import { isIP } from 'node:net'
import { z } from 'zod'

/** A setting that `parse` converts from text; null is an error. */
const parsed = <Value>(parse: (text: string) => Value | null, error: string) =>
  z.string().transform((text, context) => {
    const value = parse(text)
    if (value !== null) return value
    context.addIssue(error)
    return z.NEVER
  })

export const integer = (min: number, max: number) =>
  parsed(
    (text) => (/^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : null),
    `must be a whole number from ${min} to ${max}`,
  )

export const url = (...protocols: string[]) =>
  parsed(
    (text) => (protocols.includes(URL.parse(text)?.protocol.slice(0, -1) ?? '') ? text : null),
    `must be a URL that starts with ${protocols.map((name) => `${name}://`).join(' or ')}`,
  )

export const httpUrl = url('http', 'https').transform((text, context) => {
  if (!/[?#]/.test(text)) return text.replace(/\/+$/, '')
  context.addIssue('must be a URL without ? and #, such as http://127.0.0.1:8081/v1')
  return z.NEVER
})

/** Returns the origin of an HTTP URL without path, query and credentials; null for any other text. */
function originOf(text: string): string | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) return null
  return url.pathname === '/' ? url.origin : null
}

export const origin = parsed(
  originOf,
  'must be an origin like https://gabee.example, with nothing after the host and port',
)

export const commaList = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)

export const originList = parsed((text) => {
  const origins = commaList(text).map(originOf)
  return origins.every((one) => one !== null) ? origins : null
}, 'must be a comma list of origins like http://localhost:3000, each without a path')

export const oneOf = <const Word extends string>(...words: [Word, ...Word[]]) =>
  z.enum(words, { error: `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}` })

const proxyNetworks = ['loopback', 'linklocal', 'uniquelocal']

const isNetwork = (part: string) => {
  const [address = '', bits, extra] = part.split('/')
  const maxBits = isIP(address) === 6 ? 128 : 32
  return (
    extra === undefined &&
    isIP(address) !== 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= maxBits))
  )
}

export const trustProxy = parsed((text) => {
  if (/^false$/i.test(text)) return []
  if (/^true$/i.test(text)) return proxyNetworks
  const networks = commaList(text)
  return networks.every((part) => proxyNetworks.includes(part) || isNetwork(part)) ? networks : null
}, 'must be true, false, or a comma list of addresses and networks such as 10.0.0.0/8')

/**
 * Parses OLLAMA_HOST in the forms that Ollama accepts: "host", "host:port", ":port", "[::1]:port", with or without
 * http(s)://. The wildcard addresses become 127.0.0.1.
 */
function ollamaHostAddress(text: string): string | null {
  const hasNoProtocol = !text.includes('://')
  // An IPv6 address needs brackets in a URL.
  const host =
    hasNoProtocol && (text.match(/:/g)?.length ?? 0) > 1 && !text.startsWith('[') ? `[${text}]` : text
  const url = URL.parse(hasNoProtocol ? `http://${host.startsWith(':') ? `127.0.0.1${host}` : host}` : host)
  if (!url || !/^https?:$/.test(url.protocol) || !url.hostname) return null
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = '127.0.0.1'
  // URL omits the default port of a protocol, so an explicit ":80" is only visible in the text.
  const port = url.port || (hasNoProtocol && !/:\d+\/?$/.test(host) ? '11434' : '')
  return `${url.protocol}//${url.hostname}${port ? `:${port}` : ''}${url.pathname.replace(/\/+$/, '')}`
}

export const ollamaHost = parsed(ollamaHostAddress, 'must be a host such as 127.0.0.1:11434')

/** The format of OpenTelemetry's environment variables, that of W3C Baggage. */
export const headerList = parsed((text) => {
  try {
    const headers = new Headers()
    for (const pair of commaList(text)) {
      const [name = '', ...value] = pair.split('=')
      headers.append(decodeURIComponent(name.trim()), decodeURIComponent(value.join('=').trim()))
    }
    return Object.fromEntries(headers)
  } catch {
    return null
  }
}, 'must be a comma list of headers like authorization=Bearer%20abc')
