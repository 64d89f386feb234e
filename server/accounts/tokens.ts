import { createHash, randomBytes } from 'node:crypto'

const keyPrefix = 'gb_'
/** Length of the stored prefix that identifies a key in lists. */
const storedPrefixLength = keyPrefix.length + 6

/** Returns 256 random bits. Only their hash is stored, so that a leaked database contains no tokens. */
const newSecret = () => randomBytes(32).toString('base64url')

export const newSessionToken = newSecret
export const newInvitationToken = newSecret
export const newSetupToken = newSecret
export const newResetToken = newSecret
export const newChallengeToken = newSecret
export const newApiKeyText = (): string => keyPrefix + newSecret()
export const isApiKey = (token: string): boolean => token.startsWith(keyPrefix)
export const prefixOf = (key: string): string => key.slice(0, storedPrefixLength)

/** Random tokens need neither a salt nor a slow hash. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')
