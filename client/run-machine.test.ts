import { expect, test } from 'vitest'
import { ApiError } from './client.ts'
import { type RunCommand, type RunInput, type RunState, transition } from './run-machine.ts'

const notFound = new ApiError(404, 'not_found', 'There is no such run.')
const busy = new ApiError(429, 'busy', 'Too many requests.', { retryAfter: 7_000 })

const states = {
  idle: { name: 'idle', cursor: 4 },
  connecting: { name: 'connecting', cursor: 4, failures: 2 },
  reading: { name: 'reading', cursor: 4, failures: 2 },
  waiting: { name: 'waiting', cursor: 4, failures: 2, error: undefined },
  finished: { name: 'finished', cursor: 4 },
  refused: { name: 'refused', cursor: 4, error: notFound },
  closed: { name: 'closed', cursor: 4 },
} satisfies Record<string, RunState>

const inputs = {
  start: { type: 'start' },
  adopt: { type: 'adopt' },
  opened: { type: 'opened' },
  'nothing more': { type: 'nothing-more' },
  refused: { type: 'refused', error: notFound },
  lost: { type: 'lost', error: undefined },
  'lost with Retry-After': { type: 'lost', error: busy },
  'old event': { type: 'event', n: 4, last: false },
  'next event': { type: 'event', n: 5, last: false },
  'last event': { type: 'event', n: 5, last: true },
  'event after a gap': { type: 'event', n: 6, last: true },
  ended: { type: 'ended' },
  silent: { type: 'silent' },
  due: { type: 'due' },
  'wake after silence': { type: 'wake', quiet: true },
  'wake after a recent byte': { type: 'wake', quiet: false },
  close: { type: 'close' },
} satisfies Record<string, RunInput>

type StateName = keyof typeof states
type InputName = keyof typeof inputs

const connect: RunCommand = { type: 'connect', after: 4 }
const disconnect: RunCommand = { type: 'disconnect' }
const deliver: RunCommand = { type: 'deliver' }
const cancelPause: RunCommand = { type: 'cancel-pause' }
const pause = (failures: number, minMs = 0): RunCommand => ({ type: 'pause', failures, minMs })
const waiting = (failures: number, error?: ApiError): RunState => ({
  name: 'waiting',
  cursor: 4,
  failures,
  error,
})
const connecting = (failures: number): RunState => ({ name: 'connecting', cursor: 4, failures })
const closed: RunState = { name: 'closed', cursor: 4 }

/** The transitions of each state. Inputs that are not listed must change nothing. */
const table: { [State in StateName]: Partial<Record<InputName, [RunState, ...RunCommand[]]>> } = {
  idle: {
    start: [connecting(0), connect],
    adopt: [{ name: 'reading', cursor: 4, failures: 0 }],
    close: [closed],
  },
  connecting: {
    opened: [{ name: 'reading', cursor: 4, failures: 2 }],
    'nothing more': [{ name: 'finished', cursor: 4 }],
    refused: [{ name: 'refused', cursor: 4, error: notFound }],
    lost: [waiting(3), pause(3)],
    'lost with Retry-After': [waiting(3, busy), pause(3, 7_000)],
    silent: [connecting(3), disconnect, connect],
    'wake after silence': [connecting(2), disconnect, connect],
    close: [closed, disconnect],
  },
  reading: {
    'next event': [{ name: 'reading', cursor: 5, failures: 0 }, deliver],
    'last event': [{ name: 'finished', cursor: 5 }, deliver, disconnect],
    'event after a gap': [waiting(3), disconnect, pause(3)],
    ended: [waiting(3), disconnect, pause(3)],
    lost: [waiting(3), pause(3)],
    'lost with Retry-After': [waiting(3, busy), pause(3, 7_000)],
    silent: [connecting(3), disconnect, connect],
    'wake after silence': [connecting(2), disconnect, connect],
    close: [closed, disconnect],
  },
  waiting: {
    due: [connecting(2), connect],
    'wake after silence': [connecting(0), cancelPause, connect],
    'wake after a recent byte': [connecting(0), cancelPause, connect],
    close: [closed, cancelPause],
  },
  finished: {},
  refused: {},
  closed: {},
}

const pairs = Object.keys(states).flatMap((state) =>
  Object.keys(inputs).map((input) => [state as StateName, input as InputName] as const),
)

test.each(pairs)('%s: %s', (state, input) => {
  expect(transition(states[state], inputs[input])).toEqual(table[state][input] ?? [states[state]])
})
