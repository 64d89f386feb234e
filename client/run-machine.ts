import type { ApiError } from './client.ts'

/*
 * Reading one run, as a state machine without effects. `transition` takes a state and an input and returns the next
 * state with the commands that run-reader.ts executes.
 *
 *                     start                         opened
 *        ┌──────┐ ─────────────▶ ┌────────────┐ ─────────────▶ ┌─────────┐ ──┐ event: the next number
 *        │ idle │                │ connecting │                │ reading │ ◀─┘   is delivered, an old one dropped
 *        └──────┘ ──┐            └────────────┘                └─────────┘
 *                   │              ▲   │     ▲                   │     │
 *                   │    due, wake │   │lost │ silent            │     │ lost · ended early · gap
 *                   │              │   ▼     └───────────────────┘     │
 *                   │            ┌─────────┐                           │
 *                   │            │ waiting │ ◀─────────────────────────┘
 *                   │            └─────────┘
 *                   └─ adopt (the response of the POST) ─▶ reading
 *
 *        reading ── last event ──▶ finished          connecting ── 204, nothing more ──▶ finished
 *        connecting ── 401, 404 … ──▶ refused        any ── close ──▶ closed
 *
 * Two rules make it exact: the cursor advances only by one, with the event that has the next number; and the run has
 * ended only after its last event or a 204. The end of a connection does not mean the end of the run.
 */

export type RunState =
  | { name: 'idle'; cursor: number }
  | { name: 'connecting'; cursor: number; failures: number }
  | { name: 'reading'; cursor: number; failures: number }
  | { name: 'waiting'; cursor: number; failures: number; error: ApiError | undefined }
  | { name: 'finished'; cursor: number }
  | { name: 'refused'; cursor: number; error: ApiError }
  | { name: 'closed'; cursor: number }

export type RunInput =
  | { type: 'start' }
  | { type: 'adopt' }
  | { type: 'opened' }
  | { type: 'nothing-more' }
  | { type: 'refused'; error: ApiError }
  | { type: 'lost'; error: ApiError | undefined }
  | { type: 'event'; n: number; last: boolean }
  | { type: 'ended' }
  | { type: 'silent' }
  | { type: 'due' }
  | { type: 'wake'; quiet: boolean }
  | { type: 'close' }

export type RunCommand =
  | { type: 'connect'; after: number }
  | { type: 'disconnect' }
  /** Reconnect after a backoff of at least `minMs`. */
  | { type: 'pause'; failures: number; minMs: number }
  | { type: 'cancel-pause' }
  | { type: 'deliver' }

type Step = [state: RunState, ...commands: RunCommand[]]

/** Returns the state after an input. Inputs that a state does not handle are ignored. */
export function transition(state: RunState, input: RunInput): Step {
  if (input.type === 'close') return close(state)
  switch (state.name) {
    case 'idle':
      return fromIdle(state, input)
    case 'connecting':
      return fromConnecting(state, input)
    case 'reading':
      return fromReading(state, input)
    case 'waiting':
      return fromWaiting(state, input)
    case 'finished':
    case 'refused':
    case 'closed':
      return [state]
  }
}

function fromIdle(state: Extract<RunState, { name: 'idle' }>, input: RunInput): Step {
  if (input.type === 'start') return connect(state.cursor, 0)
  if (input.type === 'adopt') return [{ name: 'reading', cursor: state.cursor, failures: 0 }]
  return [state]
}

function fromConnecting(state: Extract<RunState, { name: 'connecting' }>, input: RunInput): Step {
  switch (input.type) {
    case 'opened':
      return [{ ...state, name: 'reading' }]
    case 'nothing-more':
      return [{ name: 'finished', cursor: state.cursor }]
    case 'refused':
      return [{ name: 'refused', cursor: state.cursor, error: input.error }]
    case 'lost':
      return pause(state.cursor, state.failures + 1, input.error)
    case 'silent':
      return reconnect(state.cursor, state.failures + 1)
    case 'wake':
      return input.quiet ? reconnect(state.cursor, state.failures) : [state]
    default:
      return [state]
  }
}

function fromReading(state: Extract<RunState, { name: 'reading' }>, input: RunInput): Step {
  switch (input.type) {
    case 'event':
      if (input.n <= state.cursor) return [state]
      if (input.n > state.cursor + 1) return pauseAfterCut(state)
      if (input.last)
        return [{ name: 'finished', cursor: input.n }, { type: 'deliver' }, { type: 'disconnect' }]
      return [{ name: 'reading', cursor: input.n, failures: 0 }, { type: 'deliver' }]
    case 'ended':
      return pauseAfterCut(state)
    case 'lost':
      return pause(state.cursor, state.failures + 1, input.error)
    case 'silent':
      return reconnect(state.cursor, state.failures + 1)
    case 'wake':
      return input.quiet ? reconnect(state.cursor, state.failures) : [state]
    default:
      return [state]
  }
}

function fromWaiting(state: Extract<RunState, { name: 'waiting' }>, input: RunInput): Step {
  if (input.type === 'due') return connect(state.cursor, state.failures)
  if (input.type === 'wake') {
    const [next, ...commands] = connect(state.cursor, 0)
    return [next, { type: 'cancel-pause' }, ...commands]
  }
  return [state]
}

const connect = (cursor: number, failures: number): Step => [
  { name: 'connecting', cursor, failures },
  { type: 'connect', after: cursor },
]

const reconnect = (cursor: number, failures: number): Step => [
  { name: 'connecting', cursor, failures },
  { type: 'disconnect' },
  { type: 'connect', after: cursor },
]

const pause = (cursor: number, failures: number, error: ApiError | undefined): Step => [
  { name: 'waiting', cursor, failures, error },
  { type: 'pause', failures, minMs: error?.retryAfter ?? 0 },
]

function pauseAfterCut(state: Extract<RunState, { name: 'reading' }>): Step {
  const [next, ...commands] = pause(state.cursor, state.failures + 1, undefined)
  return [next, { type: 'disconnect' }, ...commands]
}

function close(state: RunState): Step {
  if (state.name === 'finished' || state.name === 'refused' || state.name === 'closed') return [state]
  const closed: RunState = { name: 'closed', cursor: state.cursor }
  if (state.name === 'waiting') return [closed, { type: 'cancel-pause' }]
  if (state.name === 'idle') return [closed]
  return [closed, { type: 'disconnect' }]
}
