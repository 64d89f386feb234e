/**
 * Opens the page without a connection, with the data that this user read last. While the server is reachable, all
 * responses come from it, so that upgrades and revoked permissions apply at once. Opens the path of a clicked
 * notification.
 */

type WorkerEvent = Event & { waitUntil(work: Promise<unknown>): void }
type FetchEvent = WorkerEvent & { request: Request; respondWith(response: Promise<Response>): void }
type Worker = {
  addEventListener(type: 'install' | 'activate', handle: (event: WorkerEvent) => void): void
  addEventListener(type: 'fetch', handle: (event: FetchEvent) => void): void
  addEventListener(type: 'message', handle: (event: PageMessage) => void): void
  addEventListener(type: 'notificationclick', handle: (event: NotificationEvent) => void): void
  skipWaiting(): Promise<void>
  clients: {
    claim(): Promise<void>
    get(id: string): Promise<Tab | undefined>
    openWindow(path: string): Promise<unknown>
  }
  registration: { showNotification(title: string, options: NotificationOptions): Promise<void> }
}
type Tab = { id: string; focus(): Promise<unknown>; postMessage(path: string): void }
/**
 * A message from the page: files that it has loaded without this worker, or a notification to show, whose `data` is its
 * path.
 */
type PageMessage = WorkerEvent & {
  data: string[] | { title: string; options: NotificationOptions }
  source: Tab
}
type NotificationEvent = WorkerEvent & {
  notification: Notification & { data: { path: string; tab: string } }
}
const worker = globalThis as unknown as Worker

/** The files of the page. */
const pageCache = 'page'
/** Responses that the user has read. The page deletes them when the user signs out. */
const readCache = 'read'
const maxReadResponses = 80

const pages =
  /^\/(?:@[\w-]+|(?:chat|avee)\/.+|chat|avee|library|search|memory|model|settings|welcome|administration.*)?$/
const readable =
  /^\/(?:me|me\/avees|api\/status|api\/documents\/stats|avees\/[\w-]+|conversations(?:\/[\w-]+(?:\/messages)?)?)$/

/** Incremented when the responses of a user are deleted, so that a pending one is not stored afterwards. */
let users = 0

worker.addEventListener('install', (event) => event.waitUntil(worker.skipWaiting()))
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()))

worker.addEventListener('message', (event) => {
  const { data, source } = event
  if (Array.isArray(data)) event.waitUntil(Promise.all(data.map((path) => keepLoaded(path))))
  else {
    const { title, options } = data
    const origin = { path: options.data, tab: source.id }
    event.waitUntil(worker.registration.showNotification(title, { ...options, data: origin }))
  }
})

worker.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(openOrigin(event.notification.data))
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname, searchParams } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin) return
  if (request.mode === 'navigate') {
    if (pages.test(pathname)) event.respondWith(openPage(request))
  } else if (pathname.startsWith('/assets/')) event.respondWith(loadFile(request))
  else if (/^\/[\w-]+\.(?:js|svg|png|webmanifest)$/.test(pathname)) event.respondWith(loadNewest(request))
  // Requests of an embedded chat belong to a visitor, not the user.
  else if (readable.test(pathname) && !searchParams.has('query') && !request.headers.has('x-visitor'))
    event.respondWith(read(event))
})

/** Opens the path of a notification in the tab that sent it, or in a new one. */
async function openOrigin({ path, tab: id }: { path: string; tab: string }): Promise<void> {
  const tab = await worker.clients.get(id)
  if (tab) {
    tab.postMessage(path)
    await tab.focus()
  } else await worker.clients.openWindow(path)
}

/** Loads the page, which is the same for all its paths. Deletes the files of another build. */
async function openPage(request: Request | string): Promise<Response> {
  const cache = await caches.open(pageCache)
  try {
    const response = await fetchAnswered(request)
    if (response.ok) {
      const before = await cache.match('/')
      const text = await response.clone().text()
      if (before && (await before.text()) !== text) await caches.delete(pageCache)
      await (await caches.open(pageCache)).put('/', new Response(text, response))
    }
    return response
  } catch (error) {
    const kept = await cache.match('/')
    if (!kept) throw error
    return kept
  }
}

/** Loads a file whose name contains a hash of its content. */
async function loadFile(request: Request): Promise<Response> {
  const cache = await caches.open(pageCache)
  const kept = await cache.match(request, { ignoreVary: true })
  if (kept) return kept
  const response = await fetch(request)
  if (response.ok) await cache.put(request, response.clone())
  return response
}

async function loadNewest(request: Request): Promise<Response> {
  const cache = await caches.open(pageCache)
  try {
    const response = await fetchAnswered(request)
    if (response.ok) await cache.put(request, response.clone())
    return response
  } catch (error) {
    const kept = await cache.match(request, { ignoreVary: true })
    if (!kept) throw error
    return kept
  }
}

/** Loads an API response, or the last cached one if the server cannot be reached. */
async function read(event: FetchEvent): Promise<Response> {
  const { request } = event
  const user = users
  try {
    const response = await fetchAnswered(request)
    if (response.status === 401) await forget()
    else if (response.ok && user === users) event.waitUntil(keep(request, response.clone(), user))
    return response
  } catch (error) {
    const cache = await caches.open(readCache)
    const kept = await cache.match(request, { ignoreVary: true })
    if (!kept) throw error
    const headers = new Headers(kept.headers)
    headers.set('X-Offline', 'yes')
    return new Response(kept.body, { status: kept.status, headers })
  }
}

async function keepLoaded(path: string): Promise<void> {
  const request = new Request(path)
  const { pathname, searchParams } = new URL(request.url)
  if (!(await (await caches.open(pageCache)).match('/'))) await openPage('/')
  if (pathname.startsWith('/assets/')) await loadFile(request)
  if (!readable.test(pathname) || searchParams.has('query')) return
  if (await (await caches.open(readCache)).match(request, { ignoreVary: true })) return
  const user = users
  const response = await fetchAnswered(request)
  if (response.ok) await keep(request, response, user)
}

async function keep(request: Request, response: Response, user: number): Promise<void> {
  let cache = await caches.open(readCache)
  if (new URL(request.url).pathname === '/me') {
    const before = await cache.match(request, { ignoreVary: true })
    if (before && (await idIn(before)) !== (await idIn(response.clone()))) {
      await caches.delete(readCache)
      cache = await caches.open(readCache)
    }
  }
  if (user !== users) return
  await cache.delete(request, { ignoreVary: true })
  await cache.put(request, response)
  const requests = await cache.keys()
  for (const oldest of requests.slice(0, Math.max(0, requests.length - maxReadResponses)))
    await cache.delete(oldest, { ignoreVary: true })
}

const idIn = async (response: Response): Promise<unknown> => ((await response.json()) as { id?: unknown }).id

async function forget(): Promise<void> {
  users += 1
  await caches.delete(readCache)
}

/** Throws if a proxy responds for an unavailable server. */
async function fetchAnswered(request: Request | string): Promise<Response> {
  const response = await fetch(request)
  if (response.status >= 502 && response.status <= 504) throw new Error('The server cannot be reached.')
  return response
}
