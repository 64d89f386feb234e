/** Whether the server can be reached. */
export type ServerConnection = {
  getSnapshot: () => 'up' | 'lost'
  subscribe: (changed: () => void) => () => void
  /** Probes the server until it responds. */
  check: () => void
  /** Sends a request and checks the connection if it fails or gets no response for a while. */
  fetch: typeof fetch
}

const probeTimeoutMs = 5_000
/** The time within which the server responds, except to requests that wait for a model. */
const slowResponseMs = 10_000
const minPauseMs = 1_000
const maxPauseMs = 10_000

/**
 * Watches the connection to the server. After a failed request, the connection counts as lost only if a probe fails
 * too, and as restored with the next response.
 */
export function createServerConnection(
  send: typeof fetch = (...values) => fetch(...values),
): ServerConnection {
  let state: 'up' | 'lost' = 'up'
  let isChecking = false
  let endPause = (): void => undefined
  const listeners = new Set<() => void>()

  const set = (next: 'up' | 'lost'): void => {
    if (next === state) return
    state = next
    for (const listener of listeners) listener()
  }
  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const isAnswering = async (): Promise<boolean> => {
    try {
      const response = await send('/health', {
        cache: 'no-store',
        signal: AbortSignal.timeout(probeTimeoutMs),
      })
      const body: unknown = await response.json()
      return response.ok && (body as { ok?: unknown }).ok === true
    } catch {
      return false
    }
  }
  const probe = async (): Promise<void> => {
    for (let pauseMs = minPauseMs; !(await isAnswering()); pauseMs = Math.min(maxPauseMs, pauseMs * 2)) {
      set('lost')
      await pause(pauseMs)
    }
    set('up')
    isChecking = false
  }
  const check = (): void => {
    endPause()
    if (isChecking) return
    isChecking = true
    void probe()
  }

  return {
    getSnapshot: () => state,
    subscribe: (changed) => {
      listeners.add(changed)
      return () => void listeners.delete(changed)
    },
    check,
    fetch: async (input, init) => {
      const timer = setTimeout(check, slowResponseMs)
      try {
        const response = await send(input, init)
        // A proxy of an unavailable server, or the cache of the service worker, may have sent the response.
        if (
          state === 'lost' ||
          response.status === 502 ||
          response.status === 504 ||
          response.headers.has('X-Offline')
        )
          check()
        return response
      } catch (error) {
        if (!init?.signal?.aborted) check()
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
