/** Returns the path in `?next=`, or `/` unless it is a path on this site other than the login page. */
export function redirectTarget(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/'
  return /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/'
}
