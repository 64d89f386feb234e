import { type Entry, openPromise } from 'yauzl'
import type { ParseLimits } from './document.ts'
import { corrupt, encrypted, UnreadableFileError, unpackedTooLarge } from './errors.ts'
import type { TextBudget } from './page-builder.ts'

/** Maximum entries of an archive; office files have hundreds. */
const maxEntries = 5_000

/** Opens a ZIP container with case-insensitive names. All unpacked bytes count against the budget. */
export async function openZip(path: string, limits: ParseLimits, textBudget: TextBudget) {
  const file = await reportDamage(() => openPromise(path, { lazyEntries: true, autoClose: false }))
  const entries = new Map<string, Entry>()
  try {
    if (file.entryCount > maxEntries) throw unpackedTooLarge(limits)
    await reportDamage(async () => {
      for await (const entry of file.eachEntry()) entries.set(keyOf(entry.fileName), entry)
    })
  } catch (error) {
    file.close()
    throw error
  }

  /** Yields an entry's bytes as they are unpacked; a missing entry yields none. */
  async function* chunks(name: string): AsyncGenerator<Buffer> {
    const entry = entries.get(keyOf(name))
    if (!entry) return
    if (entry.isEncrypted()) throw encrypted()
    try {
      for await (const chunk of await file.openReadStreamPromise(entry)) {
        if (!Buffer.isBuffer(chunk)) continue
        textBudget.take(chunk.length)
        yield chunk
      }
    } catch (error) {
      throw toReadingError(error)
    }
  }

  return {
    has: (name: string) => entries.has(keyOf(name)),
    /** Returns whether any entry's lower-case name passes the test. */
    some: (test: (name: string) => boolean) => entries.keys().some(test),
    chunks,
    async bytes(name: string): Promise<Buffer> {
      const parts: Buffer[] = []
      for await (const chunk of chunks(name)) parts.push(chunk)
      return Buffer.concat(parts)
    },
    [Symbol.dispose]() {
      file.close()
    },
  }
}
export type Zip = Awaited<ReturnType<typeof openZip>>

const keyOf = (name: string) => name.replace(/^\/+/, '').toLowerCase()

async function reportDamage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toReadingError(error)
  }
}

const toReadingError = (error: unknown) =>
  error instanceof UnreadableFileError ? error : corrupt('its container cannot be unpacked')
