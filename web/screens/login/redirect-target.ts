import { aveeOfPath } from '../../shell/avee-of-path.ts'

/** Returns the path in `?next=`, or `/` unless it is a path on this site other than the login page. */
export function redirectTarget(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/'
  return /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/'
}

/** Returns the handle of the avee whose page is the target; undefined for other pages and the library of the user. */
export function requestedAvee(search: string): string | undefined {
  return aveeOfPath(redirectTarget(search))
}
