import type { FactorKind } from '../../contract/accounts.ts'
import type { SessionClient } from './session-store.ts'
import type { Client as ThrottledClient } from './sign-in-throttle.ts'
import type { UserRow } from './store.ts'

/** Who may create an account after the first one. */
export type RegistrationPolicy = 'invite' | 'open' | 'closed'

/** Where a request comes from. */
export type Client = ThrottledClient & SessionClient

/** A user without credentials. */
export type User = Omit<UserRow, 'password_hash'>
export const toUser = ({ password_hash: _, ...user }: UserRow): User => user

export type NewSession = { token: string; expiresAt: Date; user: User }

/** Sent instead of a session when the sign-in needs a second factor. */
export type SecondFactorChallenge = { challenge: string; expiresAt: Date; factors: FactorKind[]; user: User }

/** E-mail addresses are compared case-insensitively. */
export const normalizeEmail = (email: string): string => email.trim().normalize('NFC').toLowerCase()
