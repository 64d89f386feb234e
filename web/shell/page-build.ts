import { isEmbedded } from '../ui/embedded.ts'

/** Whether the server has a different build of the page than this one. Rejects if it is unreachable. */
export async function isPageOutdated(): Promise<boolean> {
  const response = await fetch(isEmbedded() ? location.pathname : '/', { headers: { Accept: 'text/html' } })
  const served = entryOf(new DOMParser().parseFromString(await response.text(), 'text/html'))
  return response.ok && served !== undefined && served !== entryOf(document)
}

const entryOf = (page: Document): string | undefined =>
  page.querySelector('script[type="module"]')?.getAttribute('src') ?? undefined
