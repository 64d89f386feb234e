import { z } from 'zod'
import type { Database } from '../db/index.ts'
import { channel } from './store.ts'

/**
 * What nodes tell each other. A hint carries nothing that matters: it says where to look, and whoever misses it looks
 * a little later. `events`: these runs have something new; `stop`: this run is to stop; `free`: there are runs to claim.
 */
const hint = z.object({
  from: z.string(),
  events: z.array(z.string()).optional(),
  stop: z.string().optional(),
  free: z.literal(true).optional(),
})
type Hint = Omit<z.infer<typeof hint>, 'from'>

/** A payload may have 8,000 bytes; an id takes 39 of them. */
const idsInOneHint = 190

/** Undefined for what is no hint: the channel is open to whoever shares the database. */
function read(payload: string): z.infer<typeof hint> | undefined {
  try {
    return hint.safeParse(JSON.parse(payload)).data
  } catch {
    return undefined
  }
}

export type Hints = {
  /** Payloads for a statement to send when it commits; none where there is one process only. */
  about(hint: Hint): string[]
  listen(on: { hint: (hint: Hint) => void; reconnect: () => void }): Promise<() => Promise<void>>
}

/** `processId` names this process, so that it does not listen to itself. */
export function hints(database: Database, processId: string): Hints {
  const text = (hint: Hint) => JSON.stringify({ from: processId, ...hint })
  return {
    about({ events, ...rest }) {
      if (database.kind === 'embedded') return []
      if (!events) return [text(rest)]
      const payloads: string[] = []
      for (let first = 0; first < events.length; first += idsInOneHint)
        payloads.push(text({ events: events.slice(first, first + idsInOneHint) }))
      return payloads
    },

    async listen(on) {
      if (database.kind === 'embedded') return async () => {}
      return database.listen(
        channel,
        (payload) => {
          const heard = read(payload)
          if (heard && heard.from !== processId) on.hint(heard)
        },
        on.reconnect,
      )
    },
  }
}
