import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { RunKind } from './kind.ts'
import type { OwnedRun } from './owned-run.ts'
import { type Claim, claimRuns, nextClaimMs, type Owner, type RunRow } from './store.ts'

/** The maximum number of times a run is resumed, unless its kind sets another. */
const defaultMaxAttempts = 5
const maxClaims = 16
/** Added to the end of a lease, so that it has also expired by the clock of the database. */
const marginMs = 20
/** The maximum delay between attempts to reach an unavailable database, however long leases are. */
const maxRetryMs = 1_000

export type Claimed = RunRow & { resumed: boolean }

type LeaseDependencies = {
  database: Database
  log: Log
  owner: Owner
  leaseMs: number
  /** The maximum number of runs of dead nodes that this node works on at once; any node can claim the others. */
  maxTakeovers: number
  kinds: ReadonlyMap<string, RunKind>
  owned: ReadonlyMap<string, OwnedRun>
  onClaimed: (run: Claimed) => void
}

/**
 * Takes over runs without an owner. Looks for them when the first lease of another node expires, or at the latest after
 * the length of a lease, because another node may have started a run and crashed. The embedded database has only one
 * node.
 */
export function createLeases(dependencies: LeaseDependencies) {
  const { database, log, owned, owner, leaseMs } = dependencies
  let timer: NodeJS.Timeout | undefined
  let claiming: Promise<void> | undefined
  let isRequested = false
  let isClosed = false

  const claimable = () => ({
    owner,
    isOnlyProcess: database.kind === 'embedded',
    except: [...owned.keys()],
    leaseMs,
  })

  function claimAvailable(): void {
    if (isClosed) return
    clearTimeout(timer)
    isRequested = true
    claiming ??= claimLoop()
  }

  async function claimLoop(): Promise<void> {
    let waitMs: number | undefined = leaseMs
    while (isRequested && !isClosed) {
      isRequested = false
      try {
        const isFull = await claimUntilFull()
        const nextMs = isFull ? undefined : await nextClaimMs(database.db, claimable())
        waitMs =
          nextMs === undefined && database.kind === 'embedded'
            ? undefined
            : Math.min((nextMs ?? leaseMs) + marginMs, leaseMs)
      } catch (error) {
        log.warn({ err: error }, 'could not look for runs without an owner; retrying')
        waitMs = Math.min(leaseMs / 4, maxRetryMs)
      }
    }
    claiming = undefined
    if (!isClosed && waitMs !== undefined) timer = setTimeout(claimAvailable, waitMs)
  }

  /** Returns true when `maxTakeovers` is reached; the end of one of these runs then triggers the next claim. */
  async function claimUntilFull(): Promise<boolean> {
    for (;;) {
      const takeovers = [...owned.values()].filter((run) => run.isTakeover).length
      const limit = Math.min(maxClaims, dependencies.maxTakeovers - takeovers)
      if (limit <= 0 || isClosed) return true
      if ((await claim({ limit })) < limit) return false
    }
  }

  async function claim(which: Pick<Claim, 'limit' | 'only'>): Promise<number> {
    const rows = await claimRuns(database.db, {
      ...claimable(),
      maxAttempts: [...dependencies.kinds].map(([kind, { maxAttempts = defaultMaxAttempts }]) => ({
        kind,
        max: maxAttempts,
      })),
      ...which,
    })
    for (const row of rows) dependencies.onClaimed(row)
    return rows.length
  }

  return {
    /** Claims all runs without an owner, now and whenever the lease of another node expires. */
    claimAvailable,
    /** Claims this run if it has no owner. */
    async claim(id: string): Promise<void> {
      await claim({ limit: 1, only: id })
    },
    async close(): Promise<void> {
      isClosed = true
      clearTimeout(timer)
      await claiming
    },
  }
}
