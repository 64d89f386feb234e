import type { Log } from '../log.ts'

/** Without being woken it is looked this often: for what a server that ended has left, and for what is tried again. */
const lookEveryMs = 15_000

/**
 * Does something in the background until there is nothing left to do, when it is woken and now and then by itself.
 * `once` does a portion and says whether there may be more; what it throws is logged and tried again at the next look.
 */
export function loop({
  name,
  log,
  once,
  everyMs = lookEveryMs,
}: {
  name: string
  log: Log
  once(signal: AbortSignal): Promise<boolean>
  everyMs?: number
}) {
  const closing = new AbortController()
  let wanted = false
  let running: Promise<void> | undefined
  const timer = setInterval(wake, everyMs).unref()

  async function run(): Promise<void> {
    while (wanted && !closing.signal.aborted) {
      wanted = false
      try {
        while (await once(closing.signal)) closing.signal.throwIfAborted()
      } catch (error) {
        if (!closing.signal.aborted) log.warn({ err: error }, `${name} failed; it is tried again`)
      }
    }
    running = undefined
  }

  function wake(): void {
    wanted = true
    running ??= run()
  }

  return {
    wake,
    /** Resolves when it rests. */
    idle: async (): Promise<void> => {
      while (running) await running
    },
    async [Symbol.asyncDispose](): Promise<void> {
      clearInterval(timer)
      closing.abort()
      await running
    },
  }
}
