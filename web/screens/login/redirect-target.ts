/** Where `?next=` leads, as long as that is a place on this page. */
export function redirectTarget(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/'
  return /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/'
}
