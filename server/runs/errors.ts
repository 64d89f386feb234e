import { defineError } from '../errors.ts'

export const runNotFound = defineError(404, 'run_not_found', () => 'Run not found.')

export const runNotYours = defineError(
  403,
  'run_not_yours',
  () => 'Only the user who started this run can stop it.',
)

export const idempotencyKeyUsed = defineError(
  409,
  'idempotency_key_used',
  () => 'This Idempotency-Key was already used for another kind of request. Send a new key.',
)

export const runEventsExpired = defineError(
  410,
  'run_events_expired',
  (id: string) =>
    `The events of run ${id} have expired. Its result is still stored, and GET /runs/${id} returns its status.`,
)

export const unknownFormat = defineError(
  400,
  'unknown_format',
  (known: string[]) => `The events of this run can be read as ${known.join(', ')}.`,
)

export const shuttingDown = defineError(
  503,
  'shutting_down',
  () => 'The server is shutting down and not accepting new work. Try again in a moment.',
)

export const eventTooLarge = defineError(
  500,
  'event_too_large',
  (length: number, limit: number) =>
    `An event has ${length} characters, but a run log accepts at most ${limit}. Store the content elsewhere and refer to it.`,
)

export const tooManyAttempts = defineError(
  500,
  'too_many_attempts',
  (attempts: number) =>
    `The server stopped during each of ${attempts} attempts, so it was ended. Start it again.`,
)

export const unknownKind = defineError(
  500,
  'unknown_run_kind',
  (kind: string) => `This server cannot continue a run of the kind "${kind}", so the run was ended.`,
)
