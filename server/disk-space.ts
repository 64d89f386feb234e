import { statfs } from 'node:fs/promises'
import { storageFull } from './errors.ts'

/** Saves system calls; a disk rarely fills by more than `MIN_FREE_DISK_MB` in this time. */
const cacheMs = 2_000

/** Free space on the disk of a directory, with a reserve of `minFreeBytes` that new work must leave. */
export function diskSpace(dir: string, minFreeBytes: number) {
  let cached: { free: Promise<number>; until: number } | undefined

  /** Bytes that the server may use; at most two seconds old. */
  function free(): Promise<number> {
    if (!cached || cached.until < performance.now()) {
      const read = statfs(dir).then(({ bavail, bsize }) => bavail * bsize)
      cached = { free: read, until: performance.now() + cacheMs }
      read.catch(() => {
        cached = undefined
      })
    }
    return cached.free
  }

  const isLow = async () => (await free()) < minFreeBytes
  return {
    isLow,
    /**
     * Checks that the disk has space for new work that needs `bytes`. @throws insufficient_storage while there is still
     * enough space for running work
     */
    async assertFree(bytes = 0): Promise<void> {
      if ((await free()) - bytes < minFreeBytes) throw storageFull()
    },
  }
}

export type DiskSpace = ReturnType<typeof diskSpace>
