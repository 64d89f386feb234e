import type { FastifyRequest } from 'fastify'

/** Returns the address of the login page with values in its fragment, which stays in the browser: no log contains it. */
export function loginLink(
  { protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>,
  publicUrl: string | null | undefined,
  values: Record<string, string>,
): string {
  const page = new URL('/login', publicUrl ?? `${protocol}://${host}`)
  page.hash = new URLSearchParams(values).toString()
  return page.href
}
