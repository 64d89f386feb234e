import { setTimeout as delay } from 'node:timers/promises'

/** What was seen of a service: there, with what it told; or away, and why. */
export type ServiceState<T> = { up: true; told: T } | { up: false; error: unknown }

const patienceMs = 300
const trustMs = 60_000

/**
 * The newest known state of a service, without making anybody wait for one that is away. A look at it is shared by
 * all who ask meanwhile; one that is not back soon goes on in the background and the state before it counts.
 */
export function cacheServiceState<T>(look: () => Promise<T>, freshMs: { up: number; away: number }) {
  let last: { seen: ServiceState<T>; at: number } | undefined
  let looking: Promise<ServiceState<T>> | undefined

  const refresh = () => {
    looking ??= look()
      .then(
        (told): ServiceState<T> => ({ up: true, told }),
        (error: unknown): ServiceState<T> => ({ up: false, error }),
      )
      .then((seen) => {
        last = { seen, at: performance.now() }
        looking = undefined
        return seen
      })
    return looking
  }

  return {
    async get(): Promise<ServiceState<T>> {
      if (!last) return refresh()
      const age = performance.now() - last.at
      if (age < (last.seen.up ? freshMs.up : freshMs.away)) return last.seen
      const before = last.seen
      const soon = await Promise.race([refresh(), delay(patienceMs, undefined, { ref: false })])
      if (soon) return soon
      return before.up && age > trustMs ? refresh() : before
    },
    /** A new look, waited for: before somebody is told that something is not there. */
    now: (): Promise<ServiceState<T>> => refresh(),
    forget(): void {
      last = undefined
    },
  }
}
