import { type Database, newId, violatedUnique } from '../db/index.ts'
import { createChallenge, redeemChallenge } from './challenge-store.ts'
import {
  accountNeedsPassword,
  emailTaken,
  firstAccountNeedsPassword,
  identityNotFound,
  identityTaken,
  invitationRequired,
  oidcExpired,
  oidcNotConfigured,
  registrationClosed,
} from './errors.ts'
import { deleteIdentity, findIdentityUser, replaceIdentity } from './identity-store.ts'
import { redeemInvitation } from './invitation-store.ts'
import { createOidc, type OidcPerson, type OidcSettings } from './oidc.ts'
import type { Confirmation } from './second-factors.ts'
import {
  type Client,
  type NewSession,
  normalizeEmail,
  type RegistrationPolicy,
  type SecondFactorChallenge,
} from './sign-in.ts'
import { hasAccounts, insertUser, type UserRow } from './store.ts'

const maxNameCharacters = 100

/** The page to return to, and the invitation of a new person. */
type PageFields = { next?: string | undefined; invitation?: string | undefined }

export type OidcSignInDependencies = {
  database: Database
  settings: OidcSettings | null
  registration: RegistrationPolicy
  requireUser: (id: string) => Promise<UserRow>
  confirm: (user: UserRow, confirmation: Confirmation) => Promise<void>
  startSignIn: (user: UserRow, client: Client) => Promise<NewSession | SecondFactorChallenge>
}

/**
 * Signing in at an OpenID Connect provider. A person is identified by issuer and subject only. A matching e-mail
 * address is no proof of ownership, so only a signed-in user can link an account.
 *
 *   begin ──▶ page of the provider ──▶ finish ─┬─ known person ──▶ session, or second factor
 *   link ───▶ page of the provider ──▶ finish  ├─ new person ────▶ account, if REGISTRATION allows
 *                                              └─ link ──────────▶ identity of the user
 */
export function createOidcSignIn({
  database,
  settings,
  registration,
  requireUser,
  confirm,
  startSignIn,
}: OidcSignInDependencies) {
  const { db } = database
  const configured = settings && createOidc(settings)

  function provider() {
    if (!configured) throw oidcNotConfigured()
    return configured
  }

  /** Returns the page of the provider, and the state that the browser must keep. */
  async function start(userId: string | null, { next, invitation }: PageFields) {
    const secrets = provider().newSecrets()
    // PostgreSQL refuses lone surrogates in JSON.
    const fields = { next: next?.toWellFormed(), invitation: invitation?.toWellFormed() }
    const { token: state } = await createChallenge(db, 'oidc', userId, { ...fields, ...secrets })
    return { url: await provider().begin(state, secrets), state }
  }

  /**
   * Creates the account of a new person. The first account needs a password; the setup token or personal mode protects
   * its creation.
   */
  async function register(person: OidcPerson, invitation: string | undefined): Promise<UserRow> {
    if (!(await hasAccounts(db))) throw firstAccountNeedsPassword()
    if (registration === 'closed') throw registrationClosed()
    if (registration === 'invite' && invitation === undefined) throw invitationRequired()
    const email = person.email === null ? null : normalizeEmail(person.email)
    const name = person.name?.trim() || email?.slice(0, email.indexOf('@')) || 'User'
    try {
      return await database.transaction(async (trx) => {
        if (registration === 'invite') await redeemInvitation(trx, invitation ?? '', email ?? '')
        const display_name = name.slice(0, maxNameCharacters)
        const user = await insertUser(trx, { id: newId(), email, display_name })
        await replaceIdentity(trx, user.id, person)
        return user
      })
    } catch (thrown) {
      if (violatedUnique(thrown) === 'users_email_key') throw emailTaken()
      throw thrown
    }
  }

  async function link(userId: string, person: OidcPerson): Promise<UserRow> {
    try {
      await database.transaction((trx) => replaceIdentity(trx, userId, person))
    } catch (thrown) {
      throw violatedUnique(thrown) === undefined ? thrown : identityTaken()
    }
    return await requireUser(userId)
  }

  return {
    name: configured?.name ?? null,

    begin: async (fields: PageFields) => start(null, fields),

    async link(confirmation: Confirmation, next: string) {
      const { userId } = confirmation.caller
      await confirm(await requireUser(userId), confirmation)
      if (!(await hasAccounts(db))) throw firstAccountNeedsPassword()
      return await start(userId, { next })
    },

    /** Finishes a sign-in or link that the same browser started; `search` is the query of the callback. */
    async finish(search: string, keptState: string | undefined, client: Client) {
      const state = new URLSearchParams(search).get('state')
      if (state === null || state !== keptState) throw oidcExpired()
      const begun = await redeemChallenge(db, 'oidc', state)
      if (!begun?.data) throw oidcExpired()
      const { next, invitation } = begun.data
      const person = await provider().finish(search, state, begun.data)
      if (begun.user_id !== null) return { linked: await link(begun.user_id, person), next }
      const user = (await findIdentityUser(db, person)) ?? (await register(person, invitation))
      return { signedIn: await startSignIn(user, client), next }
    },

    /** @throws 404 if the user is not linked, 409 without a password */
    async unlink(confirmation: Confirmation): Promise<void> {
      const { userId } = confirmation.caller
      const user = await requireUser(userId)
      if (user.password_hash === null) throw accountNeedsPassword()
      await confirm(user, confirmation)
      if (!(await deleteIdentity(db, userId))) throw identityNotFound()
    },
  }
}
