import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type Run, runList, runListQuery, run as runShape } from '../../contract/runs.ts'
import { callerOf } from '../http/caller.ts'
import { cursorOf, cursorQuery, eventStream, sendRun } from '../http/sse.ts'
import { runNotFound, runNotYours } from './errors.ts'
import type { RunRecord, Runs } from './kind.ts'
import { mayRead, mayStop, type Reader } from './policy.ts'

const params = z.object({ id: z.string() })

export const runRoutes =
  ({ runs }: { runs: Runs }): FastifyPluginAsyncZod =>
  async (app) => {
    async function readable(reader: Reader, id: string): Promise<RunRecord> {
      const found = await runs.get(id)
      if (!found || !mayRead(reader, found)) throw runNotFound(id)
      return found
    }

    app.get(
      '/runs',
      {
        schema: {
          tags: ['runs'],
          summary: 'Your own runs, the newest first',
          querystring: runListQuery,
          response: { 200: runList },
        },
      },
      async (request) => {
        const { userId, aveeId } = callerOf(request)
        const { status, limit } = request.query
        const found = await runs.list(userId, {
          limit,
          ...(status && { status }),
          ...(aveeId && { scope: aveeId }),
        })
        return { runs: found.map(present) }
      },
    )

    app.get(
      '/runs/:id',
      { schema: { tags: ['runs'], summary: 'How a run stands', params, response: { 200: runShape } } },
      async (request) => present(await readable(callerOf(request), request.params.id)),
    )

    app.get(
      '/runs/:id/events',
      {
        schema: {
          tags: ['runs'],
          summary: 'The events of a run: from the start or after an event, then live, to its end',
          description:
            'Resume with `Last-Event-ID` or `?after=`. 204: there is nothing after that event and never will be. 409: the log does not reach so far. 410: the events are no longer kept.',
          params,
          querystring: cursorQuery,
          response: { 200: eventStream },
        },
        exposeHeadRoute: false,
      },
      async (request, reply) => {
        const run = await readable(callerOf(request), request.params.id)
        await sendRun(request, reply, runs, run, { after: cursorOf(request) })
      },
    )

    app.delete(
      '/runs/:id',
      {
        schema: {
          tags: ['runs'],
          summary: 'Stop a run and keep what it has produced; a finished one stays as it is',
          params,
          response: { 200: runShape },
        },
      },
      async (request) => {
        const caller = callerOf(request)
        const found = await readable(caller, request.params.id)
        if (!mayStop(caller, found)) throw runNotYours()
        return present((await runs.stop(found.id)) ?? found)
      },
    )
  }

const present = (record: RunRecord): Run => ({
  id: record.id,
  kind: record.kind,
  status: record.status,
  subject: record.subject,
  scope: record.scope,
  last_event: record.lastEvent,
  attempt: record.attempt,
  created_at: record.createdAt.toISOString(),
  finished_at: record.finishedAt?.toISOString() ?? null,
  ...(record.error && { error: record.error }),
})
