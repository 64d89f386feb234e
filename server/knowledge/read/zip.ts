import { type Entry, openPromise } from 'yauzl'
import type { ReadLimits } from './document.ts'
import type { Budget } from './page-text.ts'
import { corrupt, encrypted, Unreadable, unpacksTooLarge } from './unreadable.ts'

/** Office files have hundreds of entries, never thousands. */
const mostEntries = 5_000

/**
 * Opens a ZIP container. Whatever the sizes in its directory say, all that is unpacked counts against the budget, byte
 * by byte. Names are found whatever their case, as office programs do.
 */
export async function openZip(path: string, limits: ReadLimits, spent: Budget) {
  const file = await damageIsTold(() => openPromise(path, { lazyEntries: true, autoClose: false }))
  const entries = new Map<string, Entry>()
  try {
    if (file.entryCount > mostEntries) throw unpacksTooLarge(limits)
    await damageIsTold(async () => {
      for await (const entry of file.eachEntry()) entries.set(keyOf(entry.fileName), entry)
    })
  } catch (error) {
    file.close()
    throw error
  }

  /** The entry's bytes as they are unpacked; an entry that is missing has none. */
  async function* chunks(name: string): AsyncGenerator<Buffer> {
    const entry = entries.get(keyOf(name))
    if (!entry) return
    if (entry.isEncrypted()) throw encrypted()
    try {
      for await (const chunk of await file.openReadStreamPromise(entry)) {
        if (!Buffer.isBuffer(chunk)) continue
        spent.take(chunk.length)
        yield chunk
      }
    } catch (error) {
      throw damageOf(error)
    }
  }

  return {
    has: (name: string) => entries.has(keyOf(name)),
    /** Whether the name of some entry, in small letters, passes the test. */
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

async function damageIsTold<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw damageOf(error)
  }
}

const damageOf = (error: unknown) =>
  error instanceof Unreadable ? error : corrupt('its container cannot be unpacked')
