import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import { toAppError } from '../../errors.ts'
import { checkedLookup, checkedUrl, findAppError, type Network, unreachable } from './fetch-page.ts'
import { isPublicAddress } from './public-address.ts'

/** Posts to the public internet, and to `allowedHosts` (`name` or `name:port`); redirects are not followed. */
export function publicClient({
  allowedHosts,
  timeoutMs,
  lookup = systemLookup as LookupFunction,
  isAllowedAddress = isPublicAddress,
}: Network & { allowedHosts: string[]; timeoutMs: number }) {
  const allowed = new Set(allowedHosts)
  const isListed = ({ hostname, host }: URL) => allowed.has(hostname) || allowed.has(host)
  const agent = new Agent({
    connect: { lookup: checkedLookup(lookup, isAllowedAddress), timeout: timeoutMs },
  })
  const listedAgent = new Agent({ connect: { timeout: timeoutMs } })

  /** Returns the URL. @throws 422 if it is not allowed */
  function assertAllowed(address: string): URL {
    return checkedUrl(address, (ip) => {
      const url = URL.parse(address)
      return isAllowedAddress(ip) || (url !== null && isListed(url))
    })
  }

  return {
    assertAllowed,

    /** Returns the status of the response. @throws AppError with a message for the user */
    async post(
      address: string,
      body: string,
      headers: Record<string, string>,
      signal: AbortSignal,
    ): Promise<number> {
      const url = assertAllowed(address)
      try {
        const response = await request(url, {
          method: 'POST',
          body,
          headers,
          dispatcher: isListed(url) ? listedAgent : agent,
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        })
        await response.body.dump()
        return response.statusCode
      } catch (error) {
        throw findAppError(error) ?? Object.assign(unreachable(url.host), { cause: toAppError(error) })
      }
    },

    [Symbol.asyncDispose]: async () => {
      await Promise.all([agent.destroy(), listedAgent.destroy()])
    },
  }
}
