import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { defineError, toAppError } from '../errors.ts'
import { runEventsExpired, runNotFound } from '../runs/errors.ts'
import type { RunEvent, RunRecord, Runs } from '../runs/kind.ts'

const pingMs = 15_000
/** A client that takes nothing for so long is dropped; it can come back and go on where it was. */
const drainMs = 60_000

const invalidCursor = defineError(
  400,
  'invalid_cursor',
  () => 'Last-Event-ID and after must be the number of an event, such as 12, or 0 for the start.',
)
const cursorBeyondLog = defineError(
  409,
  'cursor_beyond_log',
  (after: number, last: number) => `The log ends at event ${last}; there is no event ${after} to go on from.`,
)
/** After which event a client wants to go on: `Last-Event-ID`, else `?after=`, else from the start. */
export function cursorOf(request: FastifyRequest): number {
  const { after } = z.object({ after: z.unknown().optional() }).parse(request.query)
  const asked = request.headers['last-event-id'] ?? after
  if (asked === undefined || asked === '') return 0
  if (typeof asked !== 'string' || !/^\d{1,15}$/.test(asked)) throw invalidCursor()
  return Number(asked)
}

/**
 * Answers with the events of a run, given by its id or as it was just found, as server-sent events: those after `after`, then live, to the last.
 * A client that leaves ends only this reading. Resolves when the stream has begun.
 */
export async function sendRun(
  request: FastifyRequest,
  reply: FastifyReply,
  runs: Runs,
  asked: RunRecord | string,
  { after = 0 }: { after?: number } = {},
): Promise<void> {
  const run = typeof asked === 'string' ? await find(runs, asked) : asked
  const { id: runId } = run
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
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  void pipe(request, raw, runs, runId, after)
}

async function find(runs: Runs, id: string): Promise<RunRecord> {
  const run = await runs.get(id)
  if (!run) throw runNotFound(id)
  return run
}

/** The one loop of a reader: it asks for more when the client has taken what it was sent. */
async function pipe(
  request: FastifyRequest,
  raw: ServerResponse,
  runs: Runs,
  runId: string,
  after: number,
): Promise<void> {
  const left = new AbortController()
  let wake = () => {}
  const leave = () => {
    left.abort()
    wake()
  }
  if (raw.destroyed) return
  raw
    .on('close', leave)
    .on('error', leave)
    .on('drain', () => wake())
  const ping = setTimeout(() => {
    if (!raw.writableNeedDrain) raw.write(': ping\n\n')
    ping.refresh()
  }, pingMs)
  try {
    for await (const events of runs.follow(runId, after, left.signal)) {
      ping.refresh()
      if (raw.write(frames(events)) || left.signal.aborted) continue
      const drop = setTimeout(() => raw.destroy(), drainMs)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      clearTimeout(drop)
    }
  } catch (error) {
    const { code, message } = toAppError(error)
    request.log.error({ err: error, run: runId }, 'a stream ended early')
    raw.write(`data: ${JSON.stringify({ error: { code, message } })}\n\n`)
  } finally {
    clearTimeout(ping)
    const { socket } = raw
    raw.end(() => {
      // A server that closes waits for connections, and this one would be kept for the next request.
      if (!request.server.server.listening) socket?.end()
    })
  }
}

/** `id` comes last: some clients count an event as seen when they read its id. */
const frames = (events: RunEvent[]): string =>
  events.map(({ n, data }) => `data: ${data}\nid: ${n}\n\n`).join('')
