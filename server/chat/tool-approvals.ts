import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import type { RunRecord } from '../runs/index.ts'
import { noSuchCall, notWaiting } from './errors.ts'
import { decide, findApproval, insertApproval } from './tool-approval-store.ts'

/** The notification of approvals and refusals; its payload is the id of the run. */
const channel = 'tool_approvals'
/** A waiting call polls at this interval, as notifications may be lost. */
const refreshMs = 15_000

/** Approvals of tool calls. A decision may arrive at another server than the one that waits for it. */
export function toolApprovals(database: Database) {
  const { db } = database
  return {
    request: insertApproval,

    /** Returns whether the asker has approved a call. Without a decision at `expiresAt` it is refused. */
    async wait(
      { runId, callId, expiresAt }: { runId: string; callId: string; expiresAt: Date },
      signal: AbortSignal,
    ): Promise<boolean> {
      let wake = () => {}
      const stopListening = await database.listen(
        channel,
        (decided) => {
          if (decided === runId) wake()
        },
        () => wake(),
      )
      try {
        for (;;) {
          const change = Promise.withResolvers<void>()
          wake = change.resolve
          const approved = await findApproval(db, runId, callId)
          if (typeof approved === 'boolean') return approved
          const leftMs = expiresAt.getTime() - Date.now()
          if (leftMs <= 0) return (await decide(db, runId, callId, false)) ?? false
          const round = new AbortController()
          const timer = { signal: AbortSignal.any([signal, round.signal]) }
          await Promise.race([change.promise, pause(Math.min(leftMs, refreshMs), undefined, timer)])
          round.abort()
        }
      } finally {
        await stopListening()
      }
    },

    /**
     * Stores the decision about a call, if its run is still running. @throws 404 no_such_call, 409 not_waiting if
     * another decision was made
     */
    async decide({ id: runId, status }: RunRecord, callId: string, approved: boolean): Promise<void> {
      const decided =
        status === 'running'
          ? await decide(db, runId, callId, approved)
          : await findApproval(db, runId, callId)
      if (decided === undefined) throw noSuchCall()
      if (decided !== approved) throw notWaiting()
      await database.notify(db, channel, runId)
    },
  }
}

export type ToolApprovals = ReturnType<typeof toolApprovals>
