import type { ApiError, Client } from './client.ts'
import type { Fold } from './events.ts'
import type { RunState } from './run-machine.ts'
import { RunReader, type RunReaderOptions } from './run-reader.ts'

/** reconnecting: events are delayed, not lost. ended: all events were read. refused: the run cannot be read, see `error`. */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'ended' | 'refused'

export type RunSnapshot<T> = { value: T; connection: Connection; error: ApiError | undefined }

/** A run as an external store: read from the first subscription on, closed some time after the last one ends. */
export type RunStore<T> = {
  readonly runId: string
  getSnapshot: () => RunSnapshot<T>
  subscribe: (changed: () => void) => () => void
  /** Resolves with the last snapshot when the run has ended or is refused. */
  ended: Promise<RunSnapshot<T>>
}

export type RunHub = {
  /** Returns the store of a run. */
  follow<T>(runId: string, fold: Fold<T>): RunStore<T>
  /** Returns the store of the run that a request started; reading begins with the response of that request. */
  adopt<T>(response: Response, fold: Fold<T>): RunStore<T>
}

export type RunHubOptions = {
  /** Schedules the notification of subscribers: at once by default, once per frame in a page. */
  schedule?: (callback: () => void) => void
  /** How long a run without subscribers is still read, so that a new subscriber gets its state at once. */
  keepMs?: number
  reader?: Pick<RunReaderOptions, 'clock' | 'random' | 'onWake'>
}

/** Creates the stores of all runs of a page: one connection per run, however many components subscribe. */
export function createRunHub(client: Client, options: RunHubOptions = {}): RunHub {
  const stores = new Map<string, RunStore<unknown> & { adopt: (response: Response) => void }>()

  const get = <T>(runId: string, fold: Fold<T>) => {
    const known = stores.get(runId)
    if (known) return known as RunStore<T> & { adopt: (response: Response) => void }
    const made = createRunStore(client, runId, fold, options, () => stores.delete(runId))
    stores.set(runId, made)
    return made
  }

  return {
    follow: get,
    adopt: (response, fold) => {
      const runId = runIdOf(response)
      const store = get(runId, fold)
      store.adopt(response)
      return store
    },
  }
}

/** Returns the id of the run that a response belongs to. */
export function runIdOf(response: Response): string {
  const runId = response.headers.get('X-Run-Id')
  if (!runId) throw new Error('The response has no X-Run-Id header.')
  return runId
}

function createRunStore<T>(
  client: Client,
  runId: string,
  fold: Fold<T>,
  { schedule = (callback) => callback(), keepMs = 10_000, reader: readerOptions }: RunHubOptions,
  forget: () => void,
): RunStore<T> & { adopt: (response: Response) => void } {
  const listeners = new Set<() => void>()
  const { promise: ended, resolve: end } = Promise.withResolvers<RunSnapshot<T>>()
  let snapshot: RunSnapshot<T> = { value: fold.initial, connection: 'connecting', error: undefined }
  let value = fold.initial
  let scheduled = false
  let cancelClosing: (() => void) | undefined

  const publish = (): void => {
    scheduled = false
    snapshot = { value, ...connectionOf(reader.state) }
    for (const listener of listeners) listener()
    if (isOver(reader.state)) end(snapshot)
  }
  const changed = (): void => {
    if (scheduled) return
    scheduled = true
    schedule(publish)
  }
  const reader = new RunReader({
    client,
    runId,
    ...readerOptions,
    onEvent: ({ data }) => {
      value = fold.add(value, data)
      changed()
    },
    onState: changed,
  })

  const closeLater = (): void => {
    const timer = setTimeout(() => {
      reader.close()
      forget()
    }, keepMs)
    cancelClosing = () => clearTimeout(timer)
  }

  return {
    runId,
    ended,
    getSnapshot: () => snapshot,
    subscribe: (listener) => {
      cancelClosing?.()
      listeners.add(listener)
      if (reader.state.name === 'idle') reader.start()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) closeLater()
      }
    },
    adopt: (response) => {
      if (reader.state.name === 'idle') {
        reader.adopt(response)
        if (listeners.size === 0) closeLater()
      } else void response.body?.cancel()
    },
  }
}

const isOver = (state: RunState): boolean =>
  state.name === 'finished' || state.name === 'refused' || state.name === 'closed'

function connectionOf(state: RunState): { connection: Connection; error: ApiError | undefined } {
  switch (state.name) {
    case 'idle':
      return { connection: 'connecting', error: undefined }
    case 'connecting':
      return { connection: state.failures > 0 ? 'reconnecting' : 'connecting', error: undefined }
    case 'reading':
      return { connection: 'live', error: undefined }
    case 'waiting':
      return { connection: 'reconnecting', error: state.error }
    case 'finished':
    case 'closed':
      return { connection: 'ended', error: undefined }
    case 'refused':
      return { connection: 'refused', error: state.error }
  }
}
