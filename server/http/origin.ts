import type { FastifyRequest } from 'fastify'
import { isLoopbackAddress, isLoopbackHost } from './loopback.ts'

/** Matches the headers that proxies add. */
const PROXY_HEADER = /^(?:forwarded|via|x-real-ip|x-forwarded-.+)$/

export type OriginSettings = {
  /** The configured public address of the server. */
  publicUrl: string | null
  allowedOrigins: readonly string[]
  /** True if the server is configured to be behind a proxy. */
  trustsProxy: boolean
}

/**
 * Determines where a request comes from:
 *
 * - the machine: from the socket's address, which cannot be forged; a request with a header that proxies add comes from
 * elsewhere, whatever the address in the header;
 * - the page: from `Origin` and `Sec-Fetch-Site`, which browsers set and pages cannot change;
 * - the name it was sent to: from `Host`, which reveals an attacker's domain name (DNS rebinding).
 */
export function createOriginCheck({ publicUrl, allowedOrigins, trustsProxy }: OriginSettings) {
  const publicHost = publicUrl === null ? null : new URL(publicUrl).host
  const allowed = new Set(allowedOrigins)

  return {
    isFromThisMachine(request: FastifyRequest): boolean {
      if (!isLoopbackAddress(request.socket.remoteAddress ?? '')) return false
      if (Object.keys(request.headers).some((name) => PROXY_HEADER.test(name))) return false
      // A proxy that adds no header still forwards the public host name.
      return !trustsProxy || isLoopbackHost(request.hostname)
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
