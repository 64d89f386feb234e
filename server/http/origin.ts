import type { FastifyRequest } from 'fastify'
import { isLoopbackAddress, isLoopbackHost } from './loopback.ts'

/** Headers by which a proxy shows itself. */
const proxyHeaders = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
]

export type OriginSettings = {
  /** Where people reach the server, when that is configured. */
  publicUrl: string | null
  allowedOrigins: readonly string[]
  /** True when proxies in front are believed, so that `request.ip` and `request.host` come from their headers. */
  trustsProxy: boolean
}

/**
 * Where a request comes from, as far as that can be known:
 *
 * - the machine: by the socket's address, which cannot be made up, and by the headers that proxies add;
 * - the page: by `Origin` and `Sec-Fetch-Site`, which a browser sets and a page cannot change;
 * - the name it was sent to: by `Host`, which an attacker's own domain name would show (DNS rebinding).
 */
export function createOriginCheck({ publicUrl, allowedOrigins, trustsProxy }: OriginSettings) {
  const publicHost = publicUrl === null ? null : new URL(publicUrl).host
  const allowed = new Set(allowedOrigins)

  return {
    isFromThisMachine(request: FastifyRequest): boolean {
      const proxied = proxyHeaders.some((name) => request.headers[name] !== undefined)
      if (!isLoopbackAddress(request.socket.remoteAddress ?? '')) return false
      if (!proxied) return !trustsProxy || isLoopbackHost(request.hostname)
      return trustsProxy && isLoopbackAddress(request.ip)
    },

    /** True when the name is this machine's or the configured public one. */
    isHostExpected(request: FastifyRequest): boolean {
      return isLoopbackHost(request.hostname) || request.host === publicHost
    },

    /** True when a page of another origin sent it, whether that origin is allowed to call the API or not. */
    isFromOtherOrigin(request: FastifyRequest): boolean {
      const { origin, 'sec-fetch-site': site } = request.headers
      if (site === 'cross-site' || site === 'same-site') return true
      if (origin === undefined) return false
      return origin !== publicUrl && URL.parse(origin)?.host !== request.host
    },

    /** True when the sending page's origin may call the API with a token. */
    isAllowedOrigin(request: FastifyRequest): boolean {
      return request.headers.origin !== undefined && allowed.has(request.headers.origin)
    },
  }
}

export type OriginCheck = ReturnType<typeof createOriginCheck>
