import * as z from 'zod/mini'
import { component, describe, id, limitOf, time, timestamp } from './common.ts'
import { operation } from './operation.ts'

export const runStatus = z.enum(['running', 'complete', 'stopped', 'failed'])
export type RunStatus = z.infer<typeof runStatus>

/** Why a run failed. */
export const failure = z.object({
  code: z.string(),
  message: z.string(),
  retry_at: z.optional(describe(time, 'The earliest time for a retry, if it is known.')),
})
export type Failure = z.infer<typeof failure>

/** A long operation with a durable event log: an answer, an upload, a model download. */
export const run = component(
  'Run',
  z.object({
    id,
    kind: describe(z.string(), 'chat, ingest, pull …'),
    status: runStatus,
    subject: describe(z.nullable(z.string()), 'A conversation id or a model name, depending on the kind.'),
    scope: describe(z.nullable(z.string()), 'The avee id of an answer or an upload.'),
    last_event: describe(z.int().check(z.minimum(0)), 'The number of the newest event in the log.'),
    attempt: describe(z.int().check(z.minimum(1)), 'Increases with each takeover after a crash.'),
    created_at: timestamp,
    finished_at: z.nullable(timestamp),
    error: z.optional(failure),
  }),
)
export type Run = z.infer<typeof run>

/** Events of every kind of run. */
export const runEvents = {
  error: component('ErrorEvent', z.looseObject({ error: failure })),
  stopped: component('StoppedEvent', z.looseObject({ event: z.literal('stopped') })),
  resumed: component(
    'ResumedEvent',
    z.object({
      event: z.literal('resumed'),
      attempt: describe(z.int(), 'The number of the attempt that continues the run after a crash.'),
    }),
  ),
}

/** Events of any run, whatever its kind. */
const anyEvents = { ...runEvents, other: z.looseObject({}) }

const params = z.object({ id: z.string() })
const tags = ['runs'] as const

export const listRuns = operation({
  method: 'GET',
  path: '/runs',
  tags,
  summary: 'List the runs of the caller',
  description: 'Newest first.',
  query: z.object({ status: z.optional(runStatus), limit: limitOf(200, 50) }),
  responses: { 200: z.object({ runs: z.array(run) }) },
})

export const getRun = operation({
  method: 'GET',
  path: '/runs/:id',
  tags,
  summary: 'Get a run',
  access: 'visitor',
  scope: ['read', 'chat'],
  description: 'With the scope `chat` only, an API key can get answers and uploads of attachments.',
  params,
  responses: { 200: run },
})

export const readRunEvents = operation({
  method: 'GET',
  path: '/runs/:id/events',
  tags,
  summary: 'Read the events of a run',
  access: 'visitor',
  scope: ['read', 'chat'],
  description:
    'Replays the log from the start or after a given event, follows it live and ends after the last event. 409: the log has no such event yet. 410: the events have expired. With the scope `chat` only, an API key can read answers and uploads of attachments.',
  params,
  query: z.object({
    after: z.optional(
      describe(z.string(), 'The number of the last event received. `Last-Event-ID` takes precedence.'),
    ),
    format: z.optional(
      describe(
        z.string(),
        'The protocol to read an answer in: `gabee`, `localchat`, `openai` or `ollama`. Default: the one in which it was requested. Other runs support `gabee` only.',
      ),
    ),
  }),
  headers: z.object({
    'last-event-id': z.optional(describe(z.string(), 'The number of the last event received.')),
  }),
  responses: { 204: describe(z.undefined(), 'The run has ended and has no further events.') },
  events: anyEvents,
})

export const stopRun = operation({
  method: 'DELETE',
  path: '/runs/:id',
  tags,
  summary: 'Stop a run',
  access: 'visitor',
  scope: 'chat',
  description: 'Keeps the output of the run so far. Does not change a finished run.',
  params,
  responses: { 200: run },
})
