import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react'
import {
  ApiError,
  type Client,
  createClient,
  createRunHub,
  type Fold,
  type RunHub,
  type RunSnapshot,
} from './index.ts'

type Server = { api: Client; hub: RunHub }

const ServerContext = createContext<Server | undefined>(undefined)

export type PageServer = Server & { queries: QueryClient }

/** Creates the client, the run stores and the query cache of the page. */
export function createPageServer(onSignedOut: () => void): PageServer {
  const api = createClient({ onSignedOut })
  return {
    api,
    hub: createRunHub(api, { schedule: schedulePerFrame }),
    queries: new QueryClient({
      queryCache: new QueryCache(),
      mutationCache: new MutationCache(),
      defaultOptions: {
        queries: {
          staleTime: 5_000,
          retry: (count, error) =>
            count < 2 && error instanceof ApiError && error.isTransient && error.status !== 429,
        },
      },
    }),
  }
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
