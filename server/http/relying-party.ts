import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { defineError } from '../errors.ts'
import { publicOrigin } from './public-origin.ts'

const hostNameRequired = defineError(
  409,
  'passkeys_need_host_name',
  () =>
    'Passkeys need a host name. Open the page at http://localhost, or set PUBLIC_URL to its https:// address.',
)

/**
 * Returns host name and origin for passkeys: those of the configured address, or of localhost. A request cannot choose
 * another host. @throws 409 for an IP address, to which browsers bind no passkeys
 */
export function relyingParty(
  request: FastifyRequest,
  publicUrl: string | null,
): { id: string; origin: string } {
  const origin = publicOrigin(request, publicUrl)
  const { hostname } = new URL(origin)
  const isAddress = isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0
  if (isAddress || (publicUrl === null && hostname !== 'localhost')) throw hostNameRequired()
  return { id: hostname, origin }
}
