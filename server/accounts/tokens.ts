import { createHash, randomBytes } from 'node:crypto'

const keyMark = 'gb_'
/** How much of a key is kept to tell keys apart. */
const prefixLength = keyMark.length + 6

/** 256 random bits. Only the hash is stored: who reads the database cannot sign in with it. */
const random = () => randomBytes(32).toString('base64url')

export const newSessionToken = random
export const newApiKeyText = (): string => keyMark + random()
export const isApiKey = (token: string): boolean => token.startsWith(keyMark)
export const prefixOf = (key: string): string => key.slice(0, prefixLength)

/** A random token needs no salt and no slow hash. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')
