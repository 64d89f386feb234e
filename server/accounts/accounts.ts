import type { Redis } from 'ioredis'
import { validate as isUuid } from 'uuid'
import type * as contract from '../../contract/accounts.ts'
import type { DeletionReceipt } from '../../contract/deletions.ts'
import type { BodyOf } from '../../contract/operation.ts'
import type { Database, Db } from '../db/index.ts'
import { newId, translateConflict } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Encryption } from '../encryption.ts'
import type { Caller } from '../http/caller.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Runs } from '../runs/index.ts'
import { createApiKeys } from './api-keys.ts'
import { createChallenge, findChallenge, redeemChallenge } from './challenge-store.ts'
import { isCommonPassword } from './common-passwords.ts'
import {
  accountDisabled,
  challengeExpired,
  commonPassword,
  emailRequired,
  emailTaken,
  firstAccountIsLocal,
  handleReserved,
  handleTaken,
  invitationRequired,
  registrationClosed,
  sessionNotFound,
  setupTokenRequired,
  userNotFound,
  wrongCredentials,
  wrongPassword,
} from './errors.ts'
import { isReservedHandle } from './handles.ts'
import { createInvitations, redeemInvitation } from './invitation-store.ts'
import { createMail, type MailSettings } from './mail.ts'
import type { OidcSettings } from './oidc.ts'
import { createOidcSignIn } from './oidc-sign-in.ts'
import { createPasswordHasher, type HashParameters } from './password.ts'
import { passwordResets } from './password-resets.ts'
import { listUsersWithFactors } from './second-factor-store.ts'
import { type Confirmation, createSecondFactors } from './second-factors.ts'
import {
  createSession,
  deleteExpiredSessions,
  deleteSession,
  deleteSessionByToken,
  deleteSessionsOf,
  findSessionUser,
  listSessions,
} from './session-store.ts'
import { deleteSetupToken, isSetupToken, readSetupToken } from './setup-token-store.ts'
import type { Client, NewSession, RegistrationPolicy, SecondFactorChallenge, User } from './sign-in.ts'
import { normalizeEmail, toUser } from './sign-in.ts'
import { createAddressLimit, createSignInThrottle } from './sign-in-throttle.ts'
import {
  countUsers,
  findOwner,
  findUser,
  findUserByEmail,
  findUserByHandle,
  hasAccounts,
  insertOwner,
  insertUser,
  type UserRow,
  updateUser,
} from './store.ts'
import { isApiKey } from './tokens.ts'
import { userAdministration } from './user-administration.ts'
import { createVisitors } from './visitors.ts'

export type Mode = 'personal' | 'accounts'

export type Registration = BodyOf<typeof contract.register>

export type AccountsDependencies = {
  database: Database
  runs: Pick<Runs, 'delete'>
  deletions: Pick<Deletions, 'count' | 'record'>
  jobs: Pick<Jobs, 'register' | 'enqueue'>
  encryption: Encryption
  /** Without it the server sends no mail. */
  mail?: MailSettings | null
  /** True when only this machine can reach the server; otherwise there is no personal mode. */
  loopback: boolean
  /** Who may create an account after the first one. */
  registration: RegistrationPolicy
  /** The OIDC provider, if people can sign in there. */
  oidc?: OidcSettings | null
  sessionDays: number
  /** Sign-in attempts per quarter of an hour, client and account; 0 for no limit. */
  signInLimit: number
  /** Stores the counts of attempts for all servers; without it they are in memory. */
  redis?: Redis | undefined
  strength?: HashParameters
}

/** The maximum delay until a server notices that another one on the same database has left personal mode. */
const setupStateTtlMs = 2_000
const registrationsPerHour = 100
const visitsPerHour = 100
const dayMs = 24 * 60 * 60_000

/**
 * Users, passwords, sessions and API keys.
 *
 * The first start creates an owner. While no user has a password and only this machine can reach the server, every
 * request acts as the owner (personal mode). The first registration or password claims the owner's account and data.
 */
export async function accounts({
  database,
  runs,
  deletions,
  jobs,
  encryption,
  ...settings
}: AccountsDependencies) {
  const { db } = database
  const hashing = createPasswordHasher(settings.strength)
  const keys = createApiKeys(db, settings.redis)
  const throttle = createSignInThrottle({ limit: settings.signInLimit, redis: settings.redis })
  const factors = createSecondFactors({ database, encryption, throttle, requireUser, confirmPassword })
  const oidcSignIns = createAddressLimit('oidc', registrationsPerHour, settings.redis)
  const oidc = createOidcSignIn({
    database,
    settings: settings.oidc ?? null,
    registration: settings.registration,
    requireUser,
    confirm: factors.confirm,
    startSignIn,
  })
  const registrations = createAddressLimit('registration', registrationsPerHour, settings.redis)
  const visitors = createVisitors({
    database,
    runs,
    deletions,
    jobs,
    limit: createAddressLimit('visit', visitsPerHour, settings.redis),
  })
  const mail = settings.mail ? createMail(settings.mail) : null

  const readSetupState = async () => ({
    hasAccounts: await hasAccounts(db),
    ownerId: (await findOwner(db))?.id,
  })
  let setupState: { value: ReturnType<typeof readSetupState>; until: number } | undefined

  /** Cached, because every request without a token needs it. */
  function getSetupState() {
    if (!setupState || setupState.until < Date.now()) {
      setupState = { value: readSetupState(), until: Date.now() + setupStateTtlMs }
      setupState.value.catch(() => {
        setupState = undefined
      })
    }
    return setupState.value
  }

  async function ensureOwner(): Promise<void> {
    await database.transaction(async (trx) => {
      if ((await countUsers(trx)).all === 0) await insertOwner(trx, newId(), 'Owner')
    })
    setupState = undefined
  }

  async function startSession(on: Db, user: UserRow, client: Client): Promise<NewSession> {
    const expiresAt = new Date(Date.now() + settings.sessionDays * dayMs)
    const token = await createSession(on, user.id, expiresAt, client)
    return { token, expiresAt, user: toUser(user) }
  }

  /** Starts the session of a user whose identity is verified, or asks for the second factor that the user has set up. */
  async function startSignIn(user: UserRow, client: Client): Promise<NewSession | SecondFactorChallenge> {
    if (user.disabled_at) throw accountDisabled()
    const kinds = await factors.kindsOf(user.id)
    if (kinds.length === 0) return await startSession(db, user, client)
    const { token, expiresAt } = await createChallenge(db, 'second_factor', user.id)
    return { challenge: token, expiresAt, factors: kinds, user: toUser(user) }
  }

  async function challengedUser(challenge: string): Promise<string> {
    const found = await findChallenge(db, 'second_factor', challenge)
    if (!found?.user_id) throw challengeExpired()
    return found.user_id
  }

  const needsSetupToken = async () => !settings.loopback && !(await getSetupState()).hasAccounts

  /** Checks whether accounts can be created; an invitation is redeemed later, when the account is created. */
  async function requireRegistration(fields: Registration, isOwner: boolean): Promise<void> {
    if (await hasAccounts(db)) {
      if (settings.registration === 'closed') throw registrationClosed()
      if (settings.registration === 'invite' && fields.invitation === undefined) throw invitationRequired()
    } else if (settings.loopback) {
      if (!isOwner) throw firstAccountIsLocal()
    } else if (!isSetupToken(fields.setup_token, await readSetupToken(db))) throw setupTokenRequired()
  }

  async function requireUser(id: string): Promise<UserRow> {
    const user = await findUser(db, id)
    if (!user) throw userNotFound()
    return user
  }

  /** Verifies the password of a signed-in user. @throws 403 for a wrong one, 429 after too many */
  async function confirmPassword(user: UserRow, password: string | undefined): Promise<void> {
    if (user.password_hash === null) return
    const attempt = await throttle.begin({ ip: user.id }, user.id)
    const outcome = await hashing.verify(password ?? '', user.password_hash, { isPriority: true })
    if (outcome === 'wrong') throw wrongPassword()
    await attempt.succeed()
  }

  async function findUserBy(idHandleOrEmail: string): Promise<User | undefined> {
    const text = idHandleOrEmail.toLowerCase()
    const found = isUuid(text)
      ? await findUser(db, text)
      : text.includes('@')
        ? await findUserByEmail(db, text)
        : await findUserByHandle(db, text)
    return found && found.visited_avee_id === null ? toUser(found) : undefined
  }

  async function requireUserBy(idHandleOrEmail: string): Promise<User> {
    const found = await findUserBy(idHandleOrEmail)
    if (!found) throw userNotFound()
    return found
  }

  const { remove, ...administration } = userAdministration({
    database,
    runs,
    deletions,
    ensureOwner,
    requireUserBy,
  })
  await ensureOwner()
  await deleteExpiredSessions(db)

  return {
    ...administration,
    ...passwordResets({
      database,
      jobs,
      mail,
      hashing,
      registrations,
      redis: settings.redis,
      requireUserBy,
    }),
    keys,
    factors,
    oidc: {
      ...oidc,
      async begin(fields: { next?: string | undefined; invitation?: string | undefined }, client: Client) {
        await oidcSignIns.consume(client)
        return await oidc.begin(fields)
      },
    },
    usersWithFactors: () => listUsersWithFactors(db),
    invitations: createInvitations(db, settings.registration),

    async mode(): Promise<Mode> {
      if (!settings.loopback) return 'accounts'
      return (await getSetupState()).hasAccounts ? 'accounts' : 'personal'
    },

    async owner(): Promise<Caller> {
      const { ownerId } = await getSetupState()
      if (ownerId === undefined) throw userNotFound()
      return { userId: ownerId, isAdmin: true, aveeId: null, via: 'personal' }
    },

    async byToken(token: string, ip: string): Promise<Caller | undefined> {
      if (isApiKey(token)) {
        const found = await keys.findUser(token)
        // A key restricted to one avee has no administrator rights.
        return found && { ...found, isAdmin: found.isAdmin && found.aveeId === null, via: 'api_key' }
      }
      const user = await findSessionUser(db, token, ip)
      if (!user) return undefined
      const { id: userId, is_admin: isAdmin, isFresh: hasJustSignedIn } = user
      return { userId, isAdmin, aveeId: null, via: 'session', hasJustSignedIn }
    },

    visitor: visitors.find,
    startVisit: visitors.start,

    async state() {
      const has = (await getSetupState()).hasAccounts
      return {
        registration: settings.registration,
        registrationOpen: settings.registration === 'open' || !has,
        hasAccounts: has,
        needsSetupToken: await needsSetupToken(),
        mail: mail !== null,
        oidc: oidc.name,
      }
    },

    /** Returns the token that the first account requires; undefined when it requires none. */
    async setupToken(): Promise<string | undefined> {
      return (await needsSetupToken()) ? await readSetupToken(db) : undefined
    },

    /** Creates an account; the first one claims the owner. `isOwner` is true for the owner in personal mode. */
    async register(
      fields: Registration,
      { client, isOwner }: { client: Client; isOwner: boolean },
    ): Promise<NewSession> {
      await registrations.consume(client)
      await requireRegistration(fields, isOwner)
      if (isCommonPassword(fields.password)) throw commonPassword('password')
      checkHandle(fields.handle)
      const email = normalizeEmail(fields.email)
      const details = {
        email,
        handle: fields.handle ?? null,
        password_hash: await hashing.hash(fields.password),
      }
      const signedIn = await database
        .transaction(async (trx) => {
          const owner = await findOwner(trx, { lock: true })
          if (owner && !(await hasAccounts(trx))) {
            const display_name = fields.display_name ?? owner.display_name
            const handle = details.handle ?? owner.handle
            const claimed = await updateUser(trx, owner.id, { ...details, handle, display_name })
            await deleteSetupToken(trx)
            return await startSession(trx, claimed ?? owner, client)
          }
          // A concurrent request may have created the first account.
          if (settings.registration === 'closed') throw registrationClosed()
          if (settings.registration === 'invite') await redeemInvitation(trx, fields.invitation ?? '', email)
          const display_name = fields.display_name ?? fields.handle ?? email.slice(0, email.indexOf('@'))
          return await startSession(
            trx,
            await insertUser(trx, { id: newId(), ...details, display_name }),
            client,
          )
        })
        .catch(translateConflict(conflicts(fields.handle)))
      setupState = undefined
      return signedIn
    },

    async signIn(credentials: BodyOf<typeof contract.logIn>, client: Client) {
      const { password } = credentials
      const email = normalizeEmail(credentials.email)
      const attempt = await throttle.begin(client, email)
      const user = await findUserByEmail(db, email)
      const priority = { isPriority: attempt.isKnown }
      const outcome = await hashing.verify(password, user?.password_hash ?? null, priority)
      if (!user || outcome === 'wrong') throw wrongCredentials()
      await attempt.succeed()
      if (outcome === 'outdated')
        await updateUser(db, user.id, { password_hash: await hashing.hash(password, priority) })
      return await startSignIn(user, client)
    },

    /** Returns the user whose sign-in waits for a second factor. @throws 401 if it is unknown, finished or expired */
    challengedUser,

    /** Finishes a sign-in after `verify` has checked a factor of its user. @throws 401 for an unknown challenge */
    async finishSignIn(
      challenge: string,
      verify: (userId: string) => Promise<void>,
      client: Client,
    ): Promise<NewSession> {
      await verify(await challengedUser(challenge))
      return await database.transaction(async (trx) => {
        const redeemed = await redeemChallenge(trx, 'second_factor', challenge)
        const user = redeemed?.user_id ? await findUser(trx, redeemed.user_id) : undefined
        if (!user) throw challengeExpired()
        if (user.disabled_at) throw accountDisabled()
        return await startSession(trx, user, client)
      })
    },

    async signOut(token: string): Promise<void> {
      await deleteSessionByToken(db, token)
    },

    sessions: {
      list: async (userId: string, token: string | undefined) => listSessions(db, userId, token),
      async delete(userId: string, id: string): Promise<void> {
        if (!(await deleteSession(db, userId, id))) throw sessionNotFound()
      },
      deleteAll: async (userId: string) => deleteSessionsOf(db, userId),
    },

    async me(userId: string): Promise<User> {
      return toUser(await requireUser(userId))
    },

    async update(caller: Caller, fields: BodyOf<typeof contract.updateMe>): Promise<User> {
      const { handle, display_name } = fields
      const { userId } = caller
      const user = await requireUser(userId)
      const email = fields.email === undefined ? undefined : normalizeEmail(fields.email)
      if ((email ?? handle ?? display_name) === undefined) return toUser(user)
      if (email !== undefined && email !== user.email) await factors.confirm(user, { ...fields, caller })
      checkHandle(handle)
      const changed = await updateUser(db, userId, { email, handle, display_name }).catch(
        translateConflict(conflicts(handle)),
      )
      if (!changed) throw userNotFound()
      return toUser(changed)
    },

    /**
     * Sets a password and ends every other session; API keys remain valid. The first password ends personal mode, so
     * the caller gets a session.
     */
    async changePassword(
      caller: Caller,
      fields: BodyOf<typeof contract.changePassword>,
      { token, client }: { token: string | undefined; client: Client },
    ): Promise<NewSession | null> {
      if (isCommonPassword(fields.new_password)) throw commonPassword('new_password')
      const user = await requireUser(caller.userId)
      if (user.email === null) throw emailRequired()
      await factors.confirm(user, { ...fields, caller })
      const password_hash = await hashing.hash(fields.new_password, { isPriority: true })
      const signedIn = await database.transaction(async (trx) => {
        await updateUser(trx, user.id, { password_hash })
        await deleteSessionsOf(trx, user.id, token)
        return caller.via === 'personal' ? await startSession(trx, user, client) : null
      })
      setupState = undefined
      return signedIn
    },

    /** Deletes the account of the caller and all their data. @throws 409 for the only administrator of other accounts */
    async delete(confirmation: Confirmation, beforeDelete: () => Promise<void>): Promise<DeletionReceipt> {
      const { userId } = confirmation.caller
      await factors.confirm(await requireUser(userId), confirmation)
      return await remove(userId, beforeDelete)
    },

    /** Removes all second factors of a user. */
    async removeFactors(idHandleOrEmail: string): Promise<void> {
      await factors.removeAll((await requireUserBy(idHandleOrEmail)).id)
    },

    /**
     * Sends an invitation. Returns false if the server sends no mail. @throws 502 if the mail server does not accept it
     */
    async mailInvitation(email: string, token: string): Promise<boolean> {
      await mail?.sendInvitation(email, token)
      return mail !== null
    },

    /** Finds a user by id, handle or e-mail address. */
    findUser: findUserBy,
  }
}

export type Accounts = Awaited<ReturnType<typeof accounts>>

function checkHandle(handle: string | undefined): void {
  if (handle !== undefined && isReservedHandle(handle)) throw handleReserved(handle)
}

/** Errors by violated unique constraint. */
const conflicts = (handle = '') => ({
  users_email_key: () => emailTaken(),
  users_handle_key: () => handleTaken(handle),
})
