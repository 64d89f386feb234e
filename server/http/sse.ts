import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod/mini'
import { defineError, toAppError } from '../errors.ts'
import { runEventsExpired, runNotFound } from '../runs/errors.ts'
import type { FrameView, RunRecord } from '../runs/kind.ts'
import type { Runs } from '../runs/runs.ts'
import { callerOf } from './caller.ts'

/** Keeps proxies from closing an idle connection; the interval that the HTML Standard suggests (9.2.7, authoring notes). */
const pingMs = 15_000
/** A client that accepts no data for this long is disconnected; it can resume after the last event that it received. */
const drainTimeoutMs = 60_000

const invalidCursor = defineError(
  400,
  'invalid_cursor',
  () => 'Last-Event-ID and after must be the number of an event, such as 12, or 0 for the start.',
)
const cursorBeyondLog = defineError(
  409,
  'cursor_beyond_log',
  (after: number, last: number) =>
    `The log ends at event ${last}; there is no event ${after} to resume after.`,
)

/** The event to resume after: `Last-Event-ID`, else `?after=`, else 0, the start of the log. */
export function cursorOf(request: FastifyRequest): number {
  const { after } = z.object({ after: z.optional(z.unknown()) }).parse(request.query)
  const cursor = request.headers['last-event-id'] ?? after
  if (cursor === undefined || cursor === '') return 0
  if (typeof cursor !== 'string' || !/^\d{1,15}$/.test(cursor)) throw invalidCursor()
  return Number(cursor)
}

type ReadOptions = {
  /** The last event that the client has. */
  after?: number
  /** The format of the response; by default, the format in which the run was requested. */
  format?: string | undefined
  /** Sends one JSON object a line, without event numbers, instead of server-sent events. */
  isNdjson?: boolean
}

/**
 * Sends the events of a run as server-sent events: those after `after`, then live ones, until the last. A client that
 * disconnects ends only this response. Resolves when the response has begun.
 */
export async function sendRun(
  request: FastifyRequest,
  reply: FastifyReply,
  runs: Runs,
  runOrId: RunRecord | string,
  { after = 0, format, isNdjson = false }: ReadOptions = {},
): Promise<void> {
  const run = typeof runOrId === 'string' ? await find(runs, runOrId) : runOrId
  const { id: runId } = run
  const view = await runs.view(run, () => callerOf(request), format)
  if (after > run.lastEvent) throw cursorBeyondLog(after, run.lastEvent)
  reply.header('x-run-id', runId).header('location', `/runs/${runId}/events`)
  if (run.status !== 'running') {
    if (after === run.lastEvent) return void (await reply.code(204).send())
    if (run.eventsExpired) throw runEventsExpired(runId)
  }

  reply.hijack()
  const { raw } = reply
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) raw.setHeader(name, value)
  raw.writeHead(200, {
    'content-type': isNdjson ? 'application/x-ndjson' : 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  void pipe(request, raw, runs, { runId, after, view, isNdjson })
}

async function find(runs: Runs, id: string): Promise<RunRecord> {
  const run = await runs.get(id)
  if (!run) throw runNotFound()
  return run
}

type Reading = { runId: string; after: number; view: FrameView; isNdjson: boolean }

/** Writes frames as fast as the client accepts them. */
async function pipe(
  request: FastifyRequest,
  raw: ServerResponse,
  runs: Runs,
  { runId, after, view, isNdjson }: Reading,
): Promise<void> {
  const disconnected = new AbortController()
  let wake = () => {}
  const disconnect = () => {
    disconnected.abort()
    wake()
  }
  if (raw.destroyed) return
  raw
    .on('close', disconnect)
    .on('error', disconnect)
    .on('drain', () => wake())
  const ping = setTimeout(() => {
    if (!raw.writableNeedDrain && !isNdjson) raw.write(': ping\n\n')
    ping.refresh()
  }, pingMs)
  try {
    for await (const events of runs.follow(runId, view.needsWholeLog ? 0 : after, disconnected.signal)) {
      let frames = ''
      for (const event of events) {
        const rendered = view.framesOf(event)
        const texts = rendered instanceof Promise ? await rendered : rendered
        frames += isNdjson ? texts.map((text) => `${text}\n`).join('') : framesOf(event.n, after, texts)
      }
      if (frames === '') continue
      ping.refresh()
      if (raw.write(frames) || disconnected.signal.aborted) continue
      const drop = setTimeout(() => raw.destroy(), drainTimeoutMs)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      clearTimeout(drop)
    }
  } catch (error) {
    const { code, message } = toAppError(error)
    request.log.error({ err: error, run: runId }, 'an event stream ended early')
    raw.write(
      isNdjson
        ? `${JSON.stringify({ error: message })}\n`
        : `data: ${JSON.stringify({ error: { code, message } })}\n\n`,
    )
  } finally {
    clearTimeout(ping)
    raw.off('close', disconnect)
    const { socket } = raw
    raw.end(() => {
      // A closing server waits for its connections, and keep-alive would keep this one open.
      if (!request.server.server.listening) socket?.end()
    })
  }
}

/**
 * The frames of one event. Only the last carries the id, so that a client resumes after the whole event; `id` follows
 * `data` because some clients count an event as received when they read its id.
 */
function framesOf(n: number, after: number, rendered: string[]): string {
  if (n <= after || rendered.length === 0) return ''
  return `${rendered.map((text) => `data: ${text}\n`).join('\n')}id: ${n}\n\n`
}
