import { navigate } from 'wouter/use-browser-location'

/** Registers the service worker, which caches responses, and opens the path of a clicked notification. */
export function keepOffline(): void {
  // Browsers support service workers on HTTPS and localhost only.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  const { serviceWorker } = navigator
  const isNew = !serviceWorker.controller
  serviceWorker.addEventListener('message', ({ data }) => navigate(String(data)))
  serviceWorker
    .register('/service-worker.js')
    .then(() => serviceWorker.ready)
    .then(({ active }) => {
      // On the first visit, some requests were sent before the service worker was active.
      if (isNew)
        new PerformanceObserver((list) => active?.postMessage(pathsOf(list.getEntries()))).observe({
          type: 'resource',
          buffered: true,
        })
    })
    .catch(() => undefined)
}

/** Deletes the cached data of the user. */
export async function clearCachedData(): Promise<void> {
  if ('caches' in globalThis) await caches.delete('read')
}

const pathsOf = (resources: PerformanceEntryList): string[] =>
  resources.flatMap(({ name }) => {
    const { origin, pathname, search } = new URL(name)
    return origin === location.origin ? [pathname + search] : []
  })
