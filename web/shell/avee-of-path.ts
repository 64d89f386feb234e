/** Returns the handle in the path of a page about an avee; undefined for other pages and the library of the user. */
export function aveeOfPath(path: string): string | undefined {
  const handle = /^\/(?:(?:chat|avee)\/|@)([\w-]+)/.exec(path)?.[1]
  return handle === 'local' ? undefined : handle
}
