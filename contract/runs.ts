import { z } from 'zod'
import { id, time } from './common.ts'

/** A long operation with a durable event log: an answer, an upload, a model download. */
export const runStatus = z.enum(['running', 'complete', 'stopped', 'failed'])
export type RunStatus = z.infer<typeof runStatus>

export const run = z
  .object({
    id,
    kind: z.string().describe('chat, ingest, pull …'),
    status: runStatus,
    subject: z.string().nullable().describe('What the run is about: a conversation id, a model name.'),
    scope: z.string().nullable().describe('What it belongs to, for an upload or an answer the avee’s id.'),
    last_event: z.number().int().min(0).describe('The number of the newest event in the log.'),
    attempt: z.number().int().min(1).describe('Rises each time the run is taken up again after a crash.'),
    created_at: time,
    finished_at: time.nullable(),
    error: z.object({ code: z.string(), message: z.string() }).optional(),
  })
  .meta({ id: 'Run' })
export type Run = z.infer<typeof run>

export const runList = z.object({ runs: z.array(run) })

export const runListQuery = z.object({
  status: runStatus.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

/** Events that any run may write, whatever its kind. */
export const stoppedEvent = z.looseObject({ event: z.literal('stopped') })
export const resumedEvent = z.object({ event: z.literal('resumed'), attempt: z.number().int() })
export const errorEvent = z.looseObject({ error: z.object({ code: z.string(), message: z.string() }) })
