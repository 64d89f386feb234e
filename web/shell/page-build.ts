import { isEmbedded } from '../ui/embedded.ts'

/** Returns whether the server has another build of the page than the one that runs here. Rejects if it is unreachable. */
export async function isPageOutdated(): Promise<boolean> {
  const response = await fetch(isEmbedded() ? location.pathname : '/', { headers: { Accept: 'text/html' } })
  const served = entryOf(new DOMParser().parseFromString(await response.text(), 'text/html'))
  return response.ok && served !== undefined && served !== entryOf(document)
}

const entryOf = (page: Document): string | undefined =>
  page.querySelector('script[type="module"]')?.getAttribute('src') ?? undefined
