import type { Redis } from 'ioredis'
import type { Database } from '../db/index.ts'
import { newId } from '../db/index.ts'
import type { Jobs } from '../jobs/index.ts'
import { createRateLimiter, hashKey } from '../rate-limiter.ts'
import { isCommonPassword } from './common-passwords.ts'
import { commonPassword, emailRequired, mailNotConfigured } from './errors.ts'
import type { Mail } from './mail.ts'
import type { PasswordHasher } from './password.ts'
import { createPasswordReset, redeemPasswordReset } from './password-reset-store.ts'
import { deleteSessionsOf } from './session-store.ts'
import { type Client, normalizeEmail, type User } from './sign-in.ts'
import { type AddressLimit, createAddressLimit } from './sign-in-throttle.ts'
import { findUser, findUserByEmail, updateUser } from './store.ts'

/** Per hour. */
const mailsPerAddress = 20
const mailsPerAccount = 3
const mailedLinkHours = 1
const administratorLinkHours = 24
const mailJob = 'accounts.reset-mail'

/** Links with which users set a new password: by mail, or from an administrator. */
export function passwordResets({
  database,
  jobs,
  mail,
  hashing,
  registrations,
  redis,
  requireUserBy,
}: {
  database: Database
  jobs: Pick<Jobs, 'register' | 'enqueue'>
  mail: Mail | null
  hashing: PasswordHasher
  /** Limits requests without a session that hash a password. */
  registrations: AddressLimit
  redis: Redis | undefined
  requireUserBy: (idHandleOrEmail: string) => Promise<User>
}) {
  const { db } = database
  const requests = createAddressLimit('forgot-password', mailsPerAddress, redis)
  const mails = createRateLimiter({ name: 'reset-mail', points: mailsPerAccount, duration: 60 * 60 }, redis)

  jobs.register<{ userId: string }>(mailJob, {
    async run({ userId }) {
      const user = await findUser(db, userId)
      if (!mail || !user?.email || user.disabled_at) return
      const { token } = await createPasswordReset(db, user.id, mailedLinkHours)
      await mail.sendPasswordReset(user.email, token)
    },
  })

  return {
    /** Creates a link with which the user sets a new password. @throws 409 for a user without an e-mail address */
    async createPasswordReset(idHandleOrEmail: string) {
      const found = await requireUserBy(idHandleOrEmail)
      if (found.email === null) throw emailRequired()
      return await createPasswordReset(db, found.id, administratorLinkHours)
    },

    /** Sends a link for a new password. Takes the same time whether or not an account has the address. */
    async forgotPassword(email: string, client: Client): Promise<void> {
      if (!mail) throw mailNotConfigured()
      await requests.consume(client)
      const normalized = normalizeEmail(email)
      if ('waitMs' in (await mails.consume(hashKey(normalized)))) return
      const userId = (await findUserByEmail(db, normalized))?.id ?? newId()
      await jobs.enqueue(db, { kind: mailJob, key: userId, input: { userId } })
    },

    /** Sets the password of a reset link's user and ends all their sessions. Returns the id of the user. */
    async resetPassword({ token, new_password }: { token: string; new_password: string }, client: Client) {
      await registrations.consume(client)
      if (isCommonPassword(new_password)) throw commonPassword('new_password')
      const password_hash = await hashing.hash(new_password)
      return await database.transaction(async (trx) => {
        const userId = await redeemPasswordReset(trx, token)
        await updateUser(trx, userId, { password_hash })
        await deleteSessionsOf(trx, userId)
        return userId
      })
    },
  }
}
