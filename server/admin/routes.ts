import type { FastifyPluginAsync } from 'fastify'
import {
  createPasswordReset,
  deleteUser,
  getLogs,
  getStorage,
  getUsage,
  listAllRuns,
  listAuditLog,
  listJobs,
  listUsers,
  removeFactors,
  updateUser,
} from '../../contract/admin.ts'
import { endOf } from '../../contract/moment.ts'
import { type Accounts, loginLink } from '../accounts/index.ts'
import type { Avees } from '../avees/index.ts'
import { defineError } from '../errors.ts'
import { sessionCallerOf } from '../http/caller.ts'
import { publicOrigin } from '../http/public-origin.ts'
import { route } from '../http/route.ts'
import type { Jobs } from '../jobs/index.ts'
import { recentLogLines } from '../log.ts'
import { checkIdCursor, pageOf } from '../paging.ts'
import type { Admin } from './store.ts'

const usageMs = 30 * 24 * 60 * 60_000
const ownAccount = defineError(
  409,
  'own_account',
  () => 'Disable or delete your own account in the settings of the account.',
)

/** The users of the server, its usage and its state. API keys cannot change users. */
export const adminRoutes =
  ({
    admin,
    accounts,
    avees,
    jobs,
    publicUrl,
  }: {
    admin: Admin
    accounts: Pick<
      Accounts,
      | 'listUsers'
      | 'findUser'
      | 'changeUser'
      | 'deleteByAdministrator'
      | 'createPasswordReset'
      | 'usersWithFactors'
      | 'removeFactors'
    >
    publicUrl: string | null
    avees: Pick<Avees, 'deleteAllOf'>
    jobs: Pick<Jobs, 'stats'>
  }): FastifyPluginAsync =>
  async (app) => {
    async function presentUsers(users: Awaited<ReturnType<Accounts['listUsers']>>) {
      const [lastUses, withFactors] = await Promise.all([admin.lastUses(), accounts.usersWithFactors()])
      return users.map((user) => ({
        ...user,
        disabled: user.disabled_at !== null,
        second_factor: withFactors.has(user.id),
        last_used_at: lastUses.get(user.id) ?? null,
      }))
    }

    async function requireAnother(userId: string, idHandleOrEmail: string): Promise<void> {
      if ((await accounts.findUser(idHandleOrEmail))?.id === userId) throw ownAccount()
    }

    route(app, listUsers, async () => ({ users: await presentUsers(await accounts.listUsers()) }))

    route(app, updateUser, async (request) => {
      const { userId } = sessionCallerOf(request)
      const { is_admin: isAdmin, disabled: isDisabled } = request.body
      if (isDisabled) await requireAnother(userId, request.params.id)
      const [user] = await presentUsers([
        await accounts.changeUser(request.params.id, { isAdmin, isDisabled }),
      ])
      // biome-ignore lint/style/noNonNullAssertion: one user in, one out
      return user!
    })

    route(app, createPasswordReset, async (request) => {
      sessionCallerOf(request)
      const { token, expiresAt } = await accounts.createPasswordReset(request.params.id)
      return {
        url: loginLink(publicOrigin(request, publicUrl), { reset: token }),
        expires_at: expiresAt,
      }
    })

    route(app, removeFactors, async (request) => {
      sessionCallerOf(request)
      await accounts.removeFactors(request.params.id)
      return { ok: true as const }
    })

    route(app, deleteUser, async (request) => {
      const { userId } = sessionCallerOf(request)
      await requireAnother(userId, request.params.id)
      const { id } = request.params
      const receipt = await accounts.deleteByAdministrator(userId, id, (found) => avees.deleteAllOf(found))
      return { deleted: true as const, receipt }
    })

    route(app, getUsage, async ({ query }) => {
      const to = query.to === undefined ? new Date() : endOf(query.to)
      const from = query.from === undefined ? new Date(to.getTime() - usageMs) : new Date(query.from)
      return { from, to, ...(await admin.usage(from, to)) }
    })

    route(app, listAllRuns, async ({ query }) => ({
      runs: (await admin.listRuns(query)).map((run) => ({ ...run, error_code: run.error?.code ?? null })),
    }))

    route(app, listJobs, async () => ({
      counts: await jobs.stats(),
      failed: await admin.listFailedJobs(),
    }))

    route(app, getStorage, async () => admin.storage())

    route(app, getLogs, async ({ query }) => ({ lines: recentLogLines(query.limit) }))

    route(app, listAuditLog, async ({ query: { limit, cursor, query } }) => {
      checkIdCursor(cursor)
      const entries = await admin.listAuditLog({ limit: limit + 1, before: cursor, query })
      const { page, next } = pageOf(entries, limit, (last) => last.id)
      return {
        entries: page.map(({ actor_id, email, ...entry }) => ({
          ...entry,
          actor: actor_id === null ? null : { id: actor_id, email },
        })),
        next_cursor: next,
      }
    })
  }
