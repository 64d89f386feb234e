import { AsyncLocalStorage } from 'node:async_hooks'
import { blockedRemote } from './errors.ts'
import type { ModelService } from './upstream/service.ts'

const storage = new AsyncLocalStorage<true>()

/** Runs work; with `isLocalOnly`, nothing of it may be sent to a model outside the private network. */
export const runLocalOnly = <T>(isLocalOnly: boolean, work: () => T): T =>
  isLocalOnly ? storage.run(true, work) : work()

export const isLocalOnly = (): boolean => storage.getStore() === true

/** @throws local_only */
export function requireAllowed(service: ModelService): void {
  if (service.remote && isLocalOnly()) throw blockedRemote(service)
}
