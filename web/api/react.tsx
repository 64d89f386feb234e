import {
  MutationCache,
  notifyManager,
  QueryCache,
  QueryClient,
  QueryClientProvider,
  useQuery,
} from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react'
import { getMe } from '../../contract/accounts.ts'
import { getStatus } from '../../contract/localchat.ts'
import { throwTranslated } from './error-texts.ts'
import {
  ApiError,
  type Client,
  createClient,
  createRunHub,
  type Fold,
  keys,
  onPageWake,
  type RunHub,
  type RunSnapshot,
} from './index.ts'
import { createServerConnection, type ServerConnection } from './server-connection.ts'

type Server = { api: Client; hub: RunHub; connection: ServerConnection }

const ServerContext = createContext<Server | undefined>(undefined)

export type PageServer = Server & { queries: QueryClient }

/** Creates the client, the run stores and the query cache of the page. `send` replaces `fetch`. */
export function createPageServer(onSignedOut: () => void, send?: typeof fetch): PageServer {
  const connection = createServerConnection(send)
  const client = createClient({ onSignedOut, fetch: connection.fetch })
  const api: Client = {
    url: client.url,
    call: (...request) => client.call(...request).catch(throwTranslated),
    open: (...request) => client.open(...request).catch(throwTranslated),
  }
  const onConnected = (callback: () => void) =>
    connection.subscribe(() => {
      if (connection.getSnapshot() === 'up') callback()
    })
  const onWake = (wake: () => void) => {
    const unsubscribers = [onPageWake(wake), onConnected(wake)]
    return () => {
      for (const unsubscribe of unsubscribers) unsubscribe()
    }
  }
  const server = {
    api,
    connection,
    hub: createRunHub(api, { schedule: schedulePerFrame, reader: { onWake } }),
    queries: new QueryClient({
      queryCache: new QueryCache(),
      mutationCache: new MutationCache(),
      defaultOptions: {
        mutations: { networkMode: 'always' },
        queries: {
          // The server may be on this device or in this network, even without an internet connection.
          networkMode: 'always',
          staleTime: 5_000,
          retry: (count, error) =>
            count < 2 && error instanceof ApiError && error.isTransient && error.status !== 429,
        },
      },
    }),
  }
  // With the default, a timer, a clicked checkbox shows its old state until the timer ends.
  notifyManager.setScheduler(queueMicrotask)
  onConnected(() => void server.queries.invalidateQueries())
  addEventListener('offline', connection.check)
  addEventListener('online', connection.check)
  return server
}

export function ServerProvider({ server, children }: { server: PageServer; children: ReactNode }) {
  return (
    <ServerContext value={server}>
      <QueryClientProvider client={server.queries}>{children}</QueryClientProvider>
    </ServerContext>
  )
}

function useServer(): Server {
  const server = useContext(ServerContext)
  if (!server) throw new Error('ServerProvider is missing.')
  return server
}

export const useApi = (): Client => useServer().api
export const useRunHub = (): RunHub => useServer().hub
export const useServerConnection = (): ServerConnection => useServer().connection

/** True for the pages of visitors without an account. */
export const VisitorContext = createContext(false)
export const useIsVisitor = (): boolean => useContext(VisitorContext)

/** Returns whether the signed-in user is an administrator. */
export function useIsAdmin(): boolean {
  const api = useApi()
  const enabled = !useIsVisitor()
  const me = useQuery({ queryKey: keys.me, queryFn: () => api.call(getMe), staleTime: 60_000, enabled })
  return me.data?.is_admin === true
}

/** Queries the capabilities of the server, cached for up to a minute. Not for visitors without an account. */
export function useServerStatus() {
  const api = useApi()
  const enabled = !useIsVisitor()
  return useQuery({ queryKey: keys.status, queryFn: () => api.call(getStatus), staleTime: 60_000, enabled })
}

/** Returns whether the server cannot be reached. */
export function useIsConnectionLost(): boolean {
  const { subscribe, getSnapshot } = useServerConnection()
  return useSyncExternalStore(subscribe, getSnapshot) === 'lost'
}

/** Returns the state of a run, updated at most once per frame; undefined without a run. */
export function useRun<T>(runId: string | null | undefined, fold: Fold<T>): RunSnapshot<T> | undefined {
  const hub = useRunHub()
  const store = useMemo(() => (runId ? hub.follow(runId, fold) : undefined), [hub, runId, fold])
  return useSyncExternalStore(store?.subscribe ?? subscribeToNothing, () => store?.getSnapshot())
}

const subscribeToNothing = () => () => undefined

/** Schedules a callback for the next frame, or with a timer while the page is hidden and has no frames. */
export function schedulePerFrame(callback: () => void): void {
  if (document.hidden) setTimeout(callback, 200)
  else requestAnimationFrame(callback)
}
