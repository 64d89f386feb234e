import type { FastifyPluginAsync } from 'fastify'
import { getRun, listRuns, readRunEvents, stopRun } from '../../contract/runs.ts'
import { assertScope } from '../http/access.ts'
import { type Caller, callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import { cursorOf, sendRun } from '../http/sse.ts'
import { runNotFound, runNotYours } from './errors.ts'
import type { RunRecord, Viewer } from './kind.ts'
import { canRead, canStop } from './policy.ts'
import type { Runs } from './runs.ts'

export type RunRouteDependencies = {
  runs: Runs
  /** Returns the scopes whose runs the viewer may see now. Scopes belong to a higher module. */
  visibleScopes: (viewer: Viewer, scopes: string[]) => Promise<ReadonlySet<string>>
}

export const runRoutes =
  ({ runs, visibleScopes }: RunRouteDependencies): FastifyPluginAsync =>
  async (app) => {
    async function withVisibleScope(reader: Viewer, found: RunRecord[]): Promise<RunRecord[]> {
      const visible = await visibleScopes(reader, [...new Set(found.flatMap(({ scope }) => scope ?? []))])
      return found.filter(({ scope }) => scope === null || visible.has(scope))
    }

    async function readable(reader: Viewer, id: string): Promise<RunRecord> {
      const found = await runs.get(id)
      const [visible] = found && canRead(reader, found) ? await withVisibleScope(reader, [found]) : []
      if (!visible) throw runNotFound()
      return visible
    }

    /** Returns such a run. @throws scope_missing without the scope `read`, unless the scope `chat` starts such runs */
    async function readableInScope(caller: Caller, id: string): Promise<RunRecord> {
      const found = await readable(caller, id)
      assertScope(caller, found.isChat ? ['read', 'chat'] : ['read'])
      return found
    }

    route(app, listRuns, async (request) => {
      const caller = callerOf(request)
      const { status, limit } = request.query
      const all = await runs.scopesOf(caller.userId)
      const visible = await visibleScopes(
        caller,
        all.filter((scope) => scope !== null),
      )
      const scopes = all.filter((scope) => (scope === null ? caller.aveeId === null : visible.has(scope)))
      const found = await runs.list(caller.userId, { scopes, limit, ...(status && { status }) })
      return { runs: found.map(present) }
    })

    route(app, getRun, async (request) =>
      present(await readableInScope(callerOf(request), request.params.id)),
    )

    route(app, readRunEvents, async (request, reply) => {
      const run = await readableInScope(callerOf(request), request.params.id)
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

const present = (record: RunRecord) => ({
  id: record.id,
  kind: record.kind,
  status: record.status,
  subject: record.subject,
  scope: record.scope,
  last_event: record.lastEvent,
  attempt: record.attempt,
  created_at: record.createdAt,
  finished_at: record.finishedAt,
  ...(record.error && { error: record.error }),
})
