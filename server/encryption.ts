import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineError } from './errors.ts'

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
export const minKeyCharacters = 32

const otherKey = defineError(
  503,
  'encryption_key_differs',
  () =>
    'The secret was encrypted with another key. Set ENCRYPTION_KEY to the same value on all servers, or restore the file encryption-key.',
)

/** Encrypts secrets that the database stores, with a key that it does not contain. */
export function createEncryption(keyText: string) {
  const key = createHash('sha256').update(keyText).digest()
  return {
    /** `context` names where the text belongs; decrypting requires the same one. */
    encrypt(text: string, context: string): string {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
    },

    /** @throws 503 if the text was encrypted with another key or for another context */
    decrypt(encrypted: string, context: string): string {
      const bytes = Buffer.from(encrypted, 'base64url')
      const tagEnd = nonceBytes + tagBytes
      try {
        const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes))
          .setAAD(Buffer.from(context))
          .setAuthTag(bytes.subarray(nonceBytes, tagEnd))
        return decipher.update(bytes.subarray(tagEnd), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        throw otherKey()
      }
    },
  }
}

export type Encryption = ReturnType<typeof createEncryption>

/** Returns the key of a data directory, which the first call creates, readable only by its owner. */
export async function readEncryptionKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'encryption-key')
  const created = randomBytes(32).toString('base64url')
  await writeFile(path, `${created}\n`, { mode: 0o600, flag: 'wx', flush: true }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  })
  const key = (await readFile(path, 'utf8')).trim()
  if (key.length < minKeyCharacters)
    throw new Error(`${path} has no complete key. Restore it from a backup, or delete it if there is none.`)
  return key
}
