import type { Database } from '../db/index.ts'
import { newId } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Caller } from '../http/caller.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Runs } from '../runs/index.ts'
import { createSession, type SessionClient } from './session-store.ts'
import type { AddressLimit } from './sign-in-throttle.ts'
import { insertUser } from './store.ts'
import { deleteUsers, findVisit, listEndedVisitors } from './visitor-store.ts'

const visitHours = 24
const purgeKind = 'accounts.visitors'
const purgeBatch = 500

/**
 * Visitors without an account: users without credentials, each with one session at one avee. When it ends, they are
 * deleted with all their data.
 */
export function createVisitors({
  database,
  runs,
  deletions,
  jobs,
  limit,
}: {
  database: Database
  runs: Pick<Runs, 'delete'>
  deletions: Pick<Deletions, 'record'>
  jobs: Pick<Jobs, 'register'>
  limit: AddressLimit
}) {
  const { db } = database

  async function purge(signal: AbortSignal): Promise<void> {
    const ids = await listEndedVisitors(db, purgeBatch)
    if (ids.length === 0) return
    for (const userId of ids) {
      signal.throwIfAborted()
      await runs.delete({ userId })
    }
    await database.transaction(async (trx) => {
      await deleteUsers(trx, ids)
      await deletions.record(trx, null, { users: ids.length })
    })
  }
  jobs.register(purgeKind, { everyMs: 60 * 60_000, run: (_, { signal }) => purge(signal) })

  return {
    /** Continues the visit of an avee with this token, or starts one. @throws 429 after too many from one address */
    async start(
      aveeId: string,
      token: string | undefined,
      client: SessionClient,
    ): Promise<{ token: string; expiresAt: Date }> {
      const current = token === undefined ? undefined : await findVisit(db, token)
      if (token !== undefined && current?.aveeId === aveeId) return { token, expiresAt: current.expiresAt }
      await limit.consume(client)
      const expiresAt = new Date(Date.now() + visitHours * 60 * 60_000)
      const created = await database.transaction(async (trx) => {
        const { id } = await insertUser(trx, {
          id: newId(),
          display_name: 'Visitor',
          visited_avee_id: aveeId,
        })
        return await createSession(trx, id, expiresAt, client)
      })
      return { token: created, expiresAt }
    },

    /** Returns the visitor with a token, while the avee is public and open to visitors. */
    async find(token: string): Promise<Caller | undefined> {
      const visit = await findVisit(db, token)
      return visit && { userId: visit.userId, aveeId: visit.aveeId, isAdmin: false, via: 'visitor' }
    },
  }
}
