import { Secret, TOTP } from 'otpauth'
import type { FactorKind } from '../../contract/accounts.ts'
import { type Database, type Db, newId, type Trx } from '../db/index.ts'
import type { Encryption } from '../encryption.ts'
import type { Caller } from '../http/caller.ts'
import {
  codeRequired,
  factorNotFound,
  noSecondFactor,
  passkeyRefused,
  signInAgain,
  totpAlreadyOn,
  totpNotBegun,
  wrongCode,
} from './errors.ts'
import { hasIdentity } from './identity-store.ts'
import { deletePasskey, deletePasskeysOf, insertPasskey, listPasskeys } from './passkey-store.ts'
import { createPasskeys, type PasskeyResponse, type RelyingParty } from './passkeys.ts'
import {
  countRecoveryCodes,
  deleteTotp,
  findTotp,
  insertTotp,
  redeemRecoveryCode,
  replaceRecoveryCodes,
  useTotpStep,
} from './second-factor-store.ts'
import type { SignInThrottle } from './sign-in-throttle.ts'
import type { UserRow } from './store.ts'

/** Proves that a signed-in person is the user. */
export type Confirmation = {
  caller: Caller
  current_password?: string | undefined
  code?: string | undefined
}

const recoveryCodeCount = 10
/** Recovery codes have 80 random bits, so a hash without salt is enough. */
const recoveryCodeBytes = 10
/** RFC 6238, 5.2: at most one step of 30 seconds for network delay and clock drift. */
const toleratedSteps = 1

const totpOf = (secret: string, label = '') =>
  new TOTP({ issuer: 'Gabee', label, secret: Secret.fromBase32(secret) })

const normalizeCode = (code: string) => code.replaceAll(/[\s-]/g, '').toUpperCase()

/** Second factors: codes of an authenticator app (TOTP, RFC 6238), passkeys, and recovery codes. */
export function createSecondFactors({
  database,
  encryption,
  throttle,
  requireUser,
  confirmPassword,
}: {
  database: Database
  encryption: Encryption
  throttle: SignInThrottle
  requireUser: (id: string) => Promise<UserRow>
  confirmPassword: (user: UserRow, password: string | undefined) => Promise<void>
}) {
  const { db } = database
  const passkeys = createPasskeys(db)

  /** Returns the factors that a sign-in requires; none if the password is enough. */
  async function kindsOf(userId: string, on: Db = db): Promise<FactorKind[]> {
    const [totp, keys] = [await findTotp(on, userId), await listPasskeys(on, userId)]
    return [
      ...(totp?.confirmed_at ? ['totp' as const] : []),
      ...(keys.length > 0 ? ['passkey' as const] : []),
    ]
  }

  async function acceptTotp(userId: string, code: string, { isConfirmed }: { isConfirmed: boolean }) {
    const stored = await findTotp(db, userId)
    if (!stored || isConfirmed !== (stored.confirmed_at !== null)) return false
    const totp = totpOf(encryption.decrypt(stored.secret, userId))
    const delta = totp.validate({ token: code, window: toleratedSteps })
    return delta !== null && (await useTotpStep(db, userId, totp.counter() + delta))
  }

  /** Makes an attempt within the rate limits of passwords. @throws 403 if it fails, 429 after too many */
  async function limited(userId: string, attempt: () => Promise<boolean>): Promise<void> {
    const counted = await throttle.begin({ ip: userId }, `second factor of ${userId}`)
    if (!(await attempt())) throw wrongCode()
    await counted.succeed()
  }

  /** Redeems a code of an authenticator app or a recovery code. @throws 403 for a wrong one, 429 after too many */
  async function verifyCode(userId: string, given: string): Promise<void> {
    const code = normalizeCode(given)
    await limited(userId, async () =>
      /^\d{6}$/.test(code)
        ? acceptTotp(userId, code, { isConfirmed: true })
        : redeemRecoveryCode(db, userId, code),
    )
  }

  /** @throws 403 unless the password or a code is correct; an account without either needs a new session */
  async function confirm(user: UserRow, { caller, current_password, code }: Confirmation): Promise<void> {
    if (code !== undefined) return await verifyCode(user.id, code)
    if (user.password_hash !== null) return await confirmPassword(user, current_password)
    if ((await kindsOf(user.id)).length > 0) throw codeRequired()
    if (caller.via !== 'personal' && !caller.hasJustSignedIn) throw signInAgain()
  }

  /** Verifies a passkey. @throws 403 if the response is not from a passkey of the user, 429 after too many attempts */
  async function verifyPasskey(userId: string, response: PasskeyResponse, party: RelyingParty) {
    await limited(userId, () => passkeys.accept(userId, response, party))
  }

  /** Returns recovery codes for the first factor of a user; null if there are some already. */
  async function firstRecoveryCodes(trx: Trx, userId: string): Promise<string[] | null> {
    return (await countRecoveryCodes(trx, userId)) > 0 ? null : await newRecoveryCodes(trx, userId)
  }

  /** Deletes the recovery codes of a user who has no factor left. */
  async function deleteUselessCodes(trx: Trx, userId: string): Promise<void> {
    if ((await kindsOf(userId, trx)).length === 0) await replaceRecoveryCodes(trx, userId, [])
  }

  async function newRecoveryCodes(trx: Trx, userId: string): Promise<string[]> {
    const codes = Array.from(
      { length: recoveryCodeCount },
      () => new Secret({ size: recoveryCodeBytes }).base32,
    )
    await replaceRecoveryCodes(trx, userId, codes)
    return codes.map((code) => code.replaceAll(/.{4}(?=.)/g, '$&-'))
  }

  return {
    kindsOf,
    verifyCode,
    verifyPasskey,
    confirm,

    async list(userId: string) {
      const kinds = await kindsOf(userId)
      return {
        totp: kinds.includes('totp'),
        passkeys: await listPasskeys(db, userId),
        recovery_codes: await countRecoveryCodes(db, userId),
        password: (await requireUser(userId)).password_hash !== null,
        identity: await hasIdentity(db, userId),
      }
    },

    /** Creates a secret, which has no effect until `enableTotp`. @throws 409 if an app is set up already */
    async beginTotp(confirmation: Confirmation) {
      const user = await requireUser(confirmation.caller.userId)
      await confirm(user, confirmation)
      const secret = new Secret().base32
      if (!(await insertTotp(db, user.id, encryption.encrypt(secret, user.id)))) throw totpAlreadyOn()
      return { secret, uri: totpOf(secret, user.email ?? user.display_name).toString() }
    },

    /** Enables the app with its first code. Returns recovery codes with the first factor of the user. */
    async enableTotp(userId: string, code: string): Promise<string[] | null> {
      const stored = await findTotp(db, userId)
      if (!stored) throw totpNotBegun()
      if (stored.confirmed_at) throw totpAlreadyOn()
      await limited(userId, () => acceptTotp(userId, normalizeCode(code), { isConfirmed: false }))
      return await database.transaction((trx) => firstRecoveryCodes(trx, userId))
    },

    /** Removes the app. @throws 404 if none is set up */
    async disableTotp(confirmation: Confirmation): Promise<void> {
      const { userId } = confirmation.caller
      await confirm(await requireUser(userId), confirmation)
      await database.transaction(async (trx) => {
        if (!(await deleteTotp(trx, userId))) throw factorNotFound()
        await deleteUselessCodes(trx, userId)
      })
    },

    /** Returns the options with which a browser creates a passkey. */
    async beginPasskey(confirmation: Confirmation, party: RelyingParty) {
      const user = await requireUser(confirmation.caller.userId)
      await confirm(user, confirmation)
      return await passkeys.creationOptions(user, party)
    },

    /** Adds the passkey that a browser has created. Returns recovery codes with the first factor of the user. */
    async createPasskey(userId: string, name: string, response: PasskeyResponse, party: RelyingParty) {
      const created = await passkeys.readCreated(userId, response, party)
      if (!created) throw passkeyRefused()
      return await database.transaction(async (trx) => {
        const passkey = await insertPasskey(trx, { id: newId(), user_id: userId, name, ...created })
        return { passkey, recovery_codes: await firstRecoveryCodes(trx, userId) }
      })
    },

    /** Returns the options with which a browser uses a passkey of the user. */
    passkeyOptions: passkeys.requestOptions,

    /** Removes a passkey. @throws 404 if the user has none with this id */
    async deletePasskey(id: string, confirmation: Confirmation): Promise<void> {
      const { userId } = confirmation.caller
      await confirm(await requireUser(userId), confirmation)
      await database.transaction(async (trx) => {
        if (!(await deletePasskey(trx, userId, id))) throw factorNotFound()
        await deleteUselessCodes(trx, userId)
      })
    },

    /** Creates recovery codes; replaces the earlier ones. @throws 409 without a second factor */
    async renewRecoveryCodes(confirmation: Confirmation): Promise<string[]> {
      const { userId } = confirmation.caller
      await confirm(await requireUser(userId), confirmation)
      if ((await kindsOf(userId)).length === 0) throw noSecondFactor()
      return await database.transaction((trx) => newRecoveryCodes(trx, userId))
    },

    /** Removes all factors and recovery codes of a user. */
    async removeAll(userId: string): Promise<void> {
      await database.transaction(async (trx) => {
        await deleteTotp(trx, userId)
        await deletePasskeysOf(trx, userId)
        await replaceRecoveryCodes(trx, userId, [])
      })
    },
  }
}
