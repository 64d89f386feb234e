import { defineError } from '../errors.ts'

export const runNotFound = defineError(404, 'run_not_found', (id: string) => `There is no run ${id}.`)

export const runNotYours = defineError(
  403,
  'run_not_yours',
  () => 'This run was begun by somebody else; you may read it, but only they can stop it.',
)

export const keyOfAnotherKind = defineError(
  409,
  'idempotency_key_used',
  () => 'This Idempotency-Key was used for something else before; send another one.',
)

export const runEventsExpired = defineError(
  410,
  'run_events_expired',
  (id: string) =>
    `The events of run ${id} were deleted some days after its end; its result is where it was stored, and GET /runs/${id} tells how it ended.`,
)

export const unknownFormat = defineError(
  400,
  'unknown_format',
  (known: string[]) => `The events of this run can be read as ${known.join(', ')}.`,
)

export const shuttingDown = defineError(
  503,
  'shutting_down',
  () => 'This server is shutting down and begins nothing new; try again in a moment.',
)

export const eventTooLarge = defineError(
  500,
  'event_too_large',
  (length: number, limit: number) =>
    `An event of ${length} characters is more than the ${limit} a run's log takes; store the content elsewhere and name it in the event.`,
)

export const tooManyAttempts = defineError(
  500,
  'too_many_attempts',
  (attempts: number) =>
    `This was begun ${attempts} times and the server stopped in the middle each time, so it was given up; start it again.`,
)

export const unknownKind = defineError(
  500,
  'unknown_run_kind',
  (kind: string) =>
    `No part of this server knows how to continue a run of the kind "${kind}"; it was closed as it was.`,
)
