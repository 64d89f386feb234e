import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createEncryption, readEncryptionKey } from './encryption.ts'

test('decrypts with the same key and context only', () => {
  const encryption = createEncryption('one key of more than 32 characters')
  const encrypted = encryption.encrypt('Gänsehaut', 'ann')
  expect(encryption.encrypt('Gänsehaut', 'ann')).not.toBe(encrypted)
  expect(encryption.decrypt(encrypted, 'ann')).toBe('Gänsehaut')
  const other = createEncryption('another key of more than 32 characters')
  for (const attempt of [
    () => encryption.decrypt(encrypted, 'bob'),
    () => other.decrypt(encrypted, 'ann'),
    () => encryption.decrypt(encrypted.slice(0, 12), 'ann'),
  ])
    expect(attempt).toThrow(/another key/)
})

test('keeps the key of a data directory in a file that only its owner can read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gabee-key-'))
  const key = await readEncryptionKey(directory)
  expect(await readEncryptionKey(directory)).toBe(key)
  const path = join(directory, 'encryption-key')
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600)
  await writeFile(path, 'cut off')
  await expect(readEncryptionKey(directory)).rejects.toThrow(/no complete key/)
  await rm(directory, { recursive: true })
})
