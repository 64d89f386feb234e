import type { Database, Db, Trx } from '../db/index.ts'
import { newId, violatedUnique } from '../db/index.ts'
import type { Caller } from '../http/caller.ts'
import type { Runs } from '../runs/index.ts'
import { type ApiKeys, createApiKeys } from './api-keys.ts'
import { attemptLimit } from './attempts.ts'
import {
  emailRequired,
  emailTaken,
  firstAccountIsLocal,
  handleReserved,
  handleTaken,
  lastAdministrator,
  registrationClosed,
  tooManyAttempts,
  userNotFound,
  wrongCredentials,
  wrongPassword,
} from './errors.ts'
import { isReservedHandle } from './handles.ts'
import { createPasswordHasher, type HashParameters } from './password.ts'
import {
  countUsers,
  deleteExpiredSessions,
  deleteOwnerSetting,
  deleteSession,
  deleteSessionsOf,
  deleteUser,
  findKeyUser,
  findOwner,
  findSessionUser,
  findUser,
  findUserByEmail,
  findUserByHandle,
  hasAccounts,
  insertOwner,
  insertSession,
  insertUser,
  lockAdministrators,
  type UserRow,
  updateUser,
} from './store.ts'
import { hashToken, isApiKey, newSessionToken } from './tokens.ts'

export type Mode = 'personal' | 'accounts'

/** A person as other rooms and the wire know them. */
export type User = Omit<UserRow, 'password_hash'>

export type NewSession = { token: string; expiresAt: Date; user: User }

export type AccountsDependencies = {
  database: Database
  runs: Pick<Runs, 'delete'>
  /** True when only this machine can reach the server; otherwise there is no personal mode. */
  loopback: boolean
  registrationOpen: boolean
  sessionDays: number
  strength?: HashParameters
}

/** How long this server may not notice that another one on the same database has left personal mode. */
const standingMs = 2_000
const minutes = 60_000
const days = 24 * 60 * minutes

const wanted = {
  failures: { most: 10, withinMs: 15 * minutes },
  registrations: { most: 100, withinMs: 60 * minutes },
}

/**
 * People, how they prove who they are, and whether they have to.
 *
 * There is an owner from the first start on. Until somebody has a password, and if only this machine can reach the
 * server, it acts as the owner (personal mode). The first registration, or a first password, takes the owner over
 * with everything made until then.
 */
export async function accounts({ database, runs, ...settings }: AccountsDependencies) {
  const { db } = database
  const hashing = createPasswordHasher(settings.strength)
  const failures = attemptLimit(wanted.failures)
  const registrations = attemptLimit(wanted.registrations)

  let standing: { value: Promise<{ hasAccounts: boolean; ownerId: string | null }>; until: number } | null =
    null

  /** Asked on every request without a token, hence remembered for a moment. */
  function currentStanding() {
    if (!standing || standing.until < Date.now()) {
      const value = Promise.all([hasAccounts(db), findOwner(db)]).then(([has, owner]) => ({
        hasAccounts: has,
        ownerId: owner?.id ?? null,
      }))
      standing = { value, until: Date.now() + standingMs }
      value.catch(() => {
        standing = null
      })
    }
    return standing.value
  }

  async function ensureOwner(): Promise<void> {
    await database.transaction(async (trx) => {
      if ((await countUsers(trx)).all === 0) await insertOwner(trx, newId(), 'Owner')
    })
    standing = null
  }

  async function signIn(on: Db, user: UserRow): Promise<NewSession> {
    const token = newSessionToken()
    const expiresAt = new Date(Date.now() + settings.sessionDays * days)
    await deleteExpiredSessions(on)
    await insertSession(on, {
      id: newId(),
      user_id: user.id,
      token_hash: hashToken(token),
      expires_at: expiresAt,
    })
    return { token, expiresAt, user: toUser(user) }
  }

  async function present(id: string): Promise<UserRow> {
    const user = await findUser(db, id)
    if (!user) throw userNotFound()
    return user
  }

  /** Checks the password that somebody already signed in gives once more; too many wrong ones are refused. */
  async function confirm(user: UserRow, password: string | undefined): Promise<void> {
    if (user.password_hash === null) return
    const key = `confirm ${user.id}`
    const wait = failures.wait(key)
    if (wait !== null) throw tooManyAttempts(wait)
    if ((await hashing.verify(password ?? '', user.password_hash)) === 'wrong') {
      failures.note(key)
      throw wrongPassword()
    }
    failures.forget(key)
  }

  async function findPerson(idHandleOrEmail: string): Promise<User | undefined> {
    const text = idHandleOrEmail.toLowerCase()
    const found = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(text)
      ? await findUser(db, text)
      : text.includes('@')
        ? await findUserByEmail(db, text)
        : await findUserByHandle(db, text)
    return found && toUser(found)
  }

  await ensureOwner()
  await deleteExpiredSessions(db)

  const keys: ApiKeys = createApiKeys(db)

  return {
    keys,

    async mode(): Promise<Mode> {
      if (!settings.loopback) return 'accounts'
      return (await currentStanding()).hasAccounts ? 'accounts' : 'personal'
    },

    async owner(): Promise<Caller> {
      const { ownerId } = await currentStanding()
      if (ownerId === null) throw userNotFound()
      return { userId: ownerId, isAdmin: true, aveeId: null, via: 'personal' }
    },

    async byToken(token: string): Promise<Caller | undefined> {
      if (isApiKey(token)) {
        const found = await findKeyUser(db, hashToken(token))
        // A key for one avee is for talking to it, whoever made it.
        return found && { ...found, isAdmin: found.isAdmin && found.aveeId === null, via: 'api_key' }
      }
      const user = await findSessionUser(db, hashToken(token))
      return user && { userId: user.id, isAdmin: user.is_admin, aveeId: null, via: 'session' }
    },

    async state(): Promise<{ registrationOpen: boolean; hasAccounts: boolean }> {
      const has = (await currentStanding()).hasAccounts
      return { registrationOpen: settings.registrationOpen || !has, hasAccounts: has }
    },

    /**
     * Makes an account; the first one takes the owner over. `from` is the address of who asks, `isOwner` says that it
     * is the owner in personal mode.
     */
    async register(
      wish: {
        email: string
        password: string
        handle?: string | undefined
        display_name?: string | undefined
      },
      by: { ip: string; isOwner: boolean },
    ): Promise<NewSession> {
      const wait = registrations.wait(by.ip)
      if (wait !== null) throw tooManyAttempts(wait)
      registrations.note(by.ip)

      const isFirst = !(await hasAccounts(db))
      if (!isFirst && !settings.registrationOpen) throw registrationClosed()
      if (isFirst && settings.loopback && !by.isOwner) throw firstAccountIsLocal()

      const email = storedEmail(wish.email)
      const details = {
        email,
        handle: freeHandle(wish.handle) ?? null,
        password_hash: await hashing.hash(wish.password),
      }
      const signedIn = await refusingTaken(wish.handle, () =>
        database.transaction(async (trx) => {
          const owner = await findOwner(trx, { lock: true })
          if (owner?.password_hash === null) {
            const display_name = wish.display_name ?? owner.display_name
            const handle = details.handle ?? owner.handle
            const claimed = await updateUser(trx, owner.id, { ...details, handle, display_name })
            return await signIn(trx, claimed ?? owner)
          }
          if (!settings.registrationOpen) throw registrationClosed()
          const display_name = wish.display_name ?? wish.handle ?? email.slice(0, email.indexOf('@'))
          return await signIn(trx, await insertUser(trx, { id: newId(), ...details, display_name }))
        }),
      )
      standing = null
      return signedIn
    },

    async signIn(wish: { email: string; password: string }, ip: string): Promise<NewSession> {
      const email = storedEmail(wish.email)
      const key = `${ip} ${email}`
      const wait = failures.wait(key)
      if (wait !== null) throw tooManyAttempts(wait)

      const user = await findUserByEmail(db, email)
      const outcome = await hashing.verify(wish.password, user?.password_hash ?? null)
      if (!user || outcome === 'wrong') {
        failures.note(key)
        throw wrongCredentials()
      }
      failures.forget(key)
      if (outcome === 'outdated')
        await updateUser(db, user.id, { password_hash: await hashing.hash(wish.password) })
      return await signIn(db, user)
    },

    async signOut(token: string): Promise<void> {
      await deleteSession(db, hashToken(token))
    },

    async me(userId: string): Promise<User> {
      return toUser(await present(userId))
    },

    async update(
      userId: string,
      wish: { handle?: string | undefined; display_name?: string | undefined; email?: string | undefined },
    ): Promise<User> {
      const changes = {
        ...(wish.email === undefined ? {} : { email: storedEmail(wish.email) }),
        ...(wish.handle === undefined ? {} : { handle: freeHandle(wish.handle) }),
        ...(wish.display_name === undefined ? {} : { display_name: wish.display_name }),
      }
      if (Object.keys(changes).length === 0) return toUser(await present(userId))
      const changed = await refusingTaken(wish.handle, () => updateUser(db, userId, changes))
      if (!changed) throw userNotFound()
      return toUser(changed)
    },

    /**
     * Sets a password and ends every other session (API keys stay). In personal mode it is the first one: the server
     * is in accounts mode from then on, and the session to go on with is returned.
     */
    async changePassword(
      caller: Caller,
      wish: { current_password?: string | undefined; new_password: string },
      token: string | undefined,
    ): Promise<NewSession | null> {
      const user = await present(caller.userId)
      if (user.email === null) throw emailRequired()
      await confirm(user, wish.current_password)
      const password_hash = await hashing.hash(wish.new_password)
      const signedIn = await database.transaction(async (trx) => {
        await updateUser(trx, user.id, { password_hash })
        await deleteSessionsOf(trx, user.id, token === undefined ? null : hashToken(token))
        return caller.via === 'personal' ? await signIn(trx, user) : null
      })
      standing = null
      return signedIn
    },

    /**
     * Deletes a person and, by the store's foreign keys, everything of theirs. The only administrator stays while
     * others have accounts; when the last person goes, the server begins anew in personal mode.
     *
     * @param leaving is called when nothing stands against it, before anything is deleted
     */
    async delete(
      userId: string,
      password: string | undefined,
      leaving: () => Promise<void> = async () => {},
    ): Promise<void> {
      await confirm(await present(userId), password)
      await database.transaction((trx) => mayLeave(trx, userId))
      await leaving()
      await runs.delete({ userId })
      await database.transaction(async (trx) => {
        await mayLeave(trx, userId)
        await deleteUser(trx, userId)
        await deleteOwnerSetting(trx, userId)
      })
      await ensureOwner()
    },

    /** Makes somebody an administrator, or no longer; one remains. */
    async setAdministrator(idHandleOrEmail: string, isAdmin: boolean): Promise<User> {
      const found = await findPerson(idHandleOrEmail)
      if (!found) throw userNotFound()
      return await database.transaction(async (trx) => {
        await lockAdministrators(trx)
        const changed = await updateUser(trx, found.id, { is_admin: isAdmin })
        if (!changed) throw userNotFound()
        if ((await countUsers(trx)).admins === 0) throw lastAdministrator()
        return toUser(changed)
      })
    },

    /** Somebody by id, handle or e-mail address. */
    findUser: findPerson,
  }
}

export type Accounts = Awaited<ReturnType<typeof accounts>>

/** Locks who is an administrator until the transaction ends. @throws 409 when only an administrator would be lost */
async function mayLeave(trx: Trx, userId: string): Promise<void> {
  await lockAdministrators(trx)
  const user = await findUser(trx, userId)
  const { all, admins } = await countUsers(trx)
  if (user?.is_admin && admins === 1 && all > 1) throw lastAdministrator()
}

const toUser = ({ id, email, handle, display_name, is_admin, created_at }: UserRow): User => ({
  id,
  email,
  handle,
  display_name,
  is_admin,
  created_at,
})

/** E-mail addresses are told apart without regard to case. */
const storedEmail = (email: string) => email.trim().normalize('NFC').toLowerCase()

function freeHandle<Handle extends string | undefined>(handle: Handle): Handle {
  if (handle !== undefined && isReservedHandle(handle)) throw handleReserved(handle)
  return handle
}

async function refusingTaken<Result>(
  handle: string | undefined,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write()
  } catch (thrown) {
    const violated = violatedUnique(thrown)
    if (violated === 'users_email_key') throw emailTaken()
    if (violated === 'users_handle_key') throw handleTaken(handle ?? '')
    throw thrown
  }
}
