import type { FastifyRequest } from 'fastify'
import { isLoopbackAddress, isLoopbackHost } from './loopback.ts'

/** Headers that proxies add. */
const proxyHeaders = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
]

export type OriginSettings = {
  /** The configured public address of the server. */
  publicUrl: string | null
  allowedOrigins: readonly string[]
  /** True if `request.ip` and `request.host` come from the headers of trusted proxies. */
  trustsProxy: boolean
}

/**
 * Determines where a request comes from:
 *
 * - the machine: from the socket's address, which cannot be forged, and from the headers that proxies add;
 * - the page: from `Origin` and `Sec-Fetch-Site`, which browsers set and pages cannot change;
 * - the name it was sent to: from `Host`, which reveals an attacker's domain name (DNS rebinding).
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

    /** Returns whether the host name is a loopback name or the configured public one. */
    isHostExpected(request: FastifyRequest): boolean {
      return isLoopbackHost(request.hostname) || request.host === publicHost
    },

    /** Returns whether a page of another origin sent the request, allowed or not. */
    isFromOtherOrigin(request: FastifyRequest): boolean {
      const { origin, 'sec-fetch-site': site } = request.headers
      if (site === 'cross-site' || site === 'same-site') return true
      if (origin === undefined) return false
      return origin !== publicUrl && URL.parse(origin)?.host !== request.host
    },

    /** Returns whether the origin of the page may call the API with a token. */
    isAllowedOrigin(request: FastifyRequest): boolean {
      return request.headers.origin !== undefined && allowed.has(request.headers.origin)
    },
  }
}

export type OriginCheck = ReturnType<typeof createOriginCheck>
