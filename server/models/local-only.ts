import { AsyncLocalStorage } from 'node:async_hooks'
import { blockedRemote } from './errors.ts'
import type { ModelService } from './upstream/service.ts'

type Check = () => Promise<boolean>
const storage = new AsyncLocalStorage<true | Check>()

/**
 * Runs work; with `isLocalOnly`, nothing from it may be sent to a model outside the private network. A function is
 * called before each request to such a model, because the answer may change while the work waits.
 */
export const runLocalOnly = <T>(isLocalOnly: boolean | Check, work: () => T): T =>
  isLocalOnly === false || storage.getStore() === true ? work() : storage.run(isLocalOnly, work)

/** Whether the work was local only from the start. */
export const isLocalOnly = (): boolean => storage.getStore() === true

/** @throws local_only */
export async function requireAllowed(service: ModelService): Promise<void> {
  if (!service.remote) return
  const isLocal = storage.getStore()
  if (isLocal === true || (await isLocal?.())) throw blockedRemote(service)
}
