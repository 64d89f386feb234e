import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { RunKind } from './kind.ts'
import type { OwnedRun } from './owned-run.ts'
import { type Claim, claimRuns, nextClaim, type RunRow, type Worker } from './store.ts'

/** How often a run may be taken up again when its kind does not say. */
const usualAttempts = 5
const claimedAtOnce = 16
/** After the moment a lease ends, so that it is over by the database's clock. */
const margin = 20

export type Claimed = RunRow & { resumed: boolean }

export type LeaseParts = {
  database: Database
  log: Log
  by: Worker
  leaseMs: number
  /** So many taken-up runs are worked on at once; the others wait, free for any node. */
  takeUpLimit: number
  kinds: ReadonlyMap<string, RunKind>
  owned: ReadonlyMap<string, OwnedRun>
  taken: (run: Claimed) => void
}

export type Leases = {
  /** Takes up what is free, now and whenever a lease of others ends. */
  sweep(): void
  /** Takes this one run if it is free. */
  claim(id: string): Promise<void>
  close(): Promise<void>
}

/**
 * Takes up runs that nobody works on. The next look is due when the first lease of others ends, and at the latest
 * after a lease's length, when another node may have begun something and died.
 */
export function leases(parts: LeaseParts): Leases {
  const { database, log, owned } = parts
  let timer: NodeJS.Timeout | undefined
  let busy: Promise<void> | undefined
  let again = false
  let closed = false

  /** Which runs are free for this process to take. */
  const free = () => ({
    by: parts.by,
    alone: database.kind === 'embedded',
    except: [...owned.keys()],
  })

  function sweep(): void {
    if (closed) return
    clearTimeout(timer)
    again = true
    busy ??= sweepOn()
  }

  async function sweepOn(): Promise<void> {
    let wait = parts.leaseMs
    while (again && !closed) {
      again = false
      try {
        const full = await takeFree()
        const next = full ? undefined : await nextClaim(database.db, free())
        wait = Math.min((next ?? parts.leaseMs) + margin, parts.leaseMs)
      } catch (error) {
        log.warn({ err: error }, 'free runs could not be looked for; trying again')
        wait = parts.leaseMs / 4
      }
    }
    busy = undefined
    if (!closed) timer = setTimeout(sweep, wait)
  }

  /** True when as many as may be are worked on; the next look is then due when one of them ends. */
  async function takeFree(): Promise<boolean> {
    for (;;) {
      const takenUp = [...owned.values()].filter((run) => run.takenUp).length
      const limit = Math.min(claimedAtOnce, parts.takeUpLimit - takenUp)
      if (limit <= 0 || closed) return true
      if ((await take({ limit })) < limit) return false
    }
  }

  async function take(which: Pick<Claim, 'limit' | 'only'>): Promise<number> {
    const rows = await claimRuns(database.db, {
      ...free(),
      leaseMs: parts.leaseMs,
      maxAttempts: [...parts.kinds].map(([kind, { maxAttempts = usualAttempts }]) => ({
        kind,
        max: maxAttempts,
      })),
      ...which,
    })
    for (const row of rows) parts.taken(row)
    return rows.length
  }

  return {
    sweep,
    async claim(id) {
      await take({ limit: 1, only: id })
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await busy
    },
  }
}
