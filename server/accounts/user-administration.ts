import type { DeletionReceipt } from '../../contract/deletions.ts'
import type { Database, Trx } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Runs } from '../runs/index.ts'
import { lastAdministrator, userNotFound } from './errors.ts'
import { deleteSessionsOf } from './session-store.ts'
import { toUser, type User } from './sign-in.ts'
import {
  countUsers,
  deleteOwnerSetting,
  deleteUser,
  findUser,
  listUsers,
  lockAdministrators,
  updateUser,
} from './store.ts'

/** Manages users for administrators, and deletes users. */
export function userAdministration({
  database,
  runs,
  deletions,
  ensureOwner,
  requireUserBy,
}: {
  database: Database
  runs: Pick<Runs, 'delete'>
  deletions: Pick<Deletions, 'count' | 'record'>
  ensureOwner: () => Promise<void>
  requireUserBy: (idHandleOrEmail: string) => Promise<User>
}) {
  const { db } = database

  /**
   * Deletes a user and, by foreign keys, all their data, after calling `beforeDelete`. Deleting the last user returns
   * the server to its initial state. @throws 409 for the only administrator while other accounts exist
   */
  async function remove(
    userId: string,
    beforeDelete: () => Promise<void>,
    by = userId,
  ): Promise<DeletionReceipt> {
    await database.transaction((trx) => requireDeletable(trx, userId))
    const counts = await deletions.count(db, { userId })
    await beforeDelete()
    await runs.delete({ userId })
    const receipt = await database.transaction(async (trx) => {
      await requireDeletable(trx, userId)
      await deleteUser(trx, userId)
      await deleteOwnerSetting(trx, userId)
      return await deletions.record(trx, by, counts)
    })
    await ensureOwner()
    return receipt
  }

  return {
    remove,

    /** Deletes a user for an administrator. */
    async deleteByAdministrator(
      administratorId: string,
      idHandleOrEmail: string,
      beforeDelete: (id: string) => Promise<void>,
    ): Promise<DeletionReceipt> {
      const found = await requireUserBy(idHandleOrEmail)
      return await remove(found.id, () => beforeDelete(found.id), administratorId)
    },

    /**
     * Grants or revokes administrator rights, and disables or enables a user, which ends all their sessions.
     * @throws 409 for the last administrator
     */
    async changeUser(
      idHandleOrEmail: string,
      changes: { isAdmin?: boolean | undefined; isDisabled?: boolean | undefined },
    ): Promise<User> {
      const found = await requireUserBy(idHandleOrEmail)
      const { isAdmin, isDisabled } = changes
      if (isAdmin === undefined && isDisabled === undefined) return found
      return await database.transaction(async (trx) => {
        await lockAdministrators(trx)
        const changed = await updateUser(trx, found.id, {
          is_admin: isAdmin,
          disabled_at: isDisabled === undefined ? undefined : isDisabled ? new Date() : null,
        })
        if (!changed) throw userNotFound()
        if ((await countUsers(trx)).admins === 0) throw lastAdministrator()
        if (isDisabled) await deleteSessionsOf(trx, found.id)
        return toUser(changed)
      })
    },

    listUsers: async () => (await listUsers(db)).map(toUser),
  }
}

/** Locks the administrators until the transaction ends. @throws 409 if the user is the only one and not the last user */
async function requireDeletable(trx: Trx, userId: string): Promise<void> {
  await lockAdministrators(trx)
  const user = await findUser(trx, userId)
  const { all, admins } = await countUsers(trx)
  const isLast = user?.is_admin && user.disabled_at === null && admins === 1
  if (isLast && all > 1) throw lastAdministrator()
}
