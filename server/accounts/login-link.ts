/**
 * Returns the address of the login page with values in its fragment, which browsers do not send, so that no log
 * contains it.
 */
export function loginLink(origin: string, values: Record<string, string>): string {
  const page = new URL('/login', origin)
  page.hash = new URLSearchParams(values).toString()
  return page.href
}
