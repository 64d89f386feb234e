import type { FastifyRequest } from 'fastify'

/** Returns the origin of links in a response: the configured one, or that of the request. */
export const publicOrigin = (
  { protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>,
  publicUrl: string | null,
): string => publicUrl ?? `${protocol}://${host}`
