import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import type { ChallengePurpose, Db } from '../db/index.ts'
import { AppError } from '../errors.ts'
import { createChallenge, redeemChallenge } from './challenge-store.ts'
import { listPasskeys, type PasskeyRow, usePasskey } from './passkey-store.ts'
import type { UserRow } from './store.ts'

/** This server as a WebAuthn relying party: its host name, and the origin of its page. */
export type RelyingParty = { id: string; origin: string }

/** EdDSA, ES256 and RS256 (IANA COSE Algorithms), as recommended by WebAuthn 5.4. */
const algorithms = [-8, -7, -257]

/** The result of a browser's WebAuthn API, as JSON. */
export type PasskeyResponse = Record<string, unknown>

/**
 * Passkeys as a second factor (Web Authentication Level 3). The password has been verified, so user presence suffices.
 */
export function createPasskeys(db: Db) {
  const newChallenge = async (purpose: ChallengePurpose, userId: string) =>
    Uint8Array.from(Buffer.from((await createChallenge(db, purpose, userId)).token, 'base64url'))

  const descriptors = async (userId: string) =>
    (await listPasskeys(db, userId)).map(({ credential_id, transports }) => ({
      id: credential_id,
      transports,
    }))

  /** Returns whether a challenge of the user is valid, and redeems it. */
  const accepts = (purpose: ChallengePurpose, userId: string) => async (challenge: string) =>
    (await redeemChallenge(db, purpose, challenge))?.user_id === userId

  return {
    /** Returns the options with which a browser creates a passkey. */
    creationOptions: async (user: UserRow, { id }: RelyingParty) =>
      generateRegistrationOptions({
        rpName: 'Gabee',
        rpID: id,
        userName: user.email ?? user.display_name,
        userID: new TextEncoder().encode(user.id),
        challenge: await newChallenge('passkey_creation', user.id),
        excludeCredentials: await descriptors(user.id),
        supportedAlgorithmIDs: algorithms,
        authenticatorSelection: { residentKey: 'discouraged', userVerification: 'discouraged' },
      }),

    /** Returns the key of a new passkey; undefined if the response is not for this user, server and challenge. */
    async readCreated(userId: string, response: PasskeyResponse, { id, origin }: RelyingParty) {
      const checked = await verifyRegistrationResponse({
        response: response as unknown as RegistrationResponseJSON,
        expectedChallenge: accepts('passkey_creation', userId),
        expectedOrigin: origin,
        expectedRPID: id,
        supportedAlgorithmIDs: algorithms,
        requireUserVerification: false,
      }).catch(refused)
      if (!checked.verified) return undefined
      const { credential } = checked.registrationInfo
      return {
        credential_id: credential.id,
        public_key: Buffer.from(credential.publicKey).toString('base64url'),
        counter: credential.counter,
        transports: credential.transports ?? [],
      }
    },

    /** Returns the options with which a browser uses a passkey of the user. */
    requestOptions: async (userId: string, { id }: RelyingParty) =>
      generateAuthenticationOptions({
        rpID: id,
        allowCredentials: await descriptors(userId),
        challenge: await newChallenge('passkey_request', userId),
        userVerification: 'discouraged',
      }),

    /** Returns whether a passkey of the user signed a challenge of theirs at this server. */
    async accept(userId: string, response: PasskeyResponse, { id, origin }: RelyingParty): Promise<boolean> {
      const passkey = (await listPasskeys(db, userId)).find((own) => own.credential_id === response['id'])
      if (!passkey) return false
      const checked = await verifyAuthenticationResponse({
        response: response as unknown as AuthenticationResponseJSON,
        expectedChallenge: accepts('passkey_request', userId),
        expectedOrigin: origin,
        expectedRPID: id,
        credential: credentialOf(passkey),
        requireUserVerification: false,
      }).catch(refused)
      return checked.verified && (await usePasskey(db, passkey, checked.authenticationInfo.newCounter))
    },
  }
}

/** The library throws for malformed or wrong members, and for a counter that has not increased. */
function refused(thrown: unknown): { verified: false } {
  if (thrown instanceof AppError) throw thrown
  return { verified: false }
}

const credentialOf = ({ credential_id, public_key, counter, transports }: PasskeyRow) => ({
  id: credential_id,
  publicKey: Uint8Array.from(Buffer.from(public_key, 'base64url')),
  counter: Number(counter),
  transports,
})
