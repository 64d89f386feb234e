import type { FastifyPluginAsync } from 'fastify'
import { getRun, listRuns, type Run, readRunEvents, stopRun } from '../../contract/runs.ts'
import { callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import { cursorOf, sendRun } from '../http/sse.ts'
import { runNotFound, runNotYours } from './errors.ts'
import type { RunRecord, Runs } from './kind.ts'
import { canRead, canStop, type Viewer } from './policy.ts'

export const runRoutes =
  ({ runs }: { runs: Runs }): FastifyPluginAsync =>
  async (app) => {
    async function readable(reader: Viewer, id: string): Promise<RunRecord> {
      const found = await runs.get(id)
      if (!found || !canRead(reader, found)) throw runNotFound(id)
      return found
    }

    route(app, listRuns, async (request) => {
      const { userId, aveeId } = callerOf(request)
      const { status, limit } = request.query
      const found = await runs.list(userId, {
        limit,
        ...(status && { status }),
        ...(aveeId && { scope: aveeId }),
      })
      return { runs: found.map(present) }
    })

    route(app, getRun, async (request) => present(await readable(callerOf(request), request.params.id)))

    route(app, readRunEvents, async (request, reply) => {
      const run = await readable(callerOf(request), request.params.id)
      const { format } = request.query
      await sendRun(request, reply, runs, run, { after: cursorOf(request), format })
    })

    route(app, stopRun, async (request) => {
      const caller = callerOf(request)
      const found = await readable(caller, request.params.id)
      if (!canStop(caller, found)) throw runNotYours()
      return present((await runs.stop(found.id)) ?? found)
    })
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
