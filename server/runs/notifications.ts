import { z } from 'zod'
import type { Database } from '../db/index.ts'
import { channel } from './store.ts'

/**
 * Notifications between nodes. They only reduce delays: a node that misses one notices the change a little later.
 * `events`: these runs have new events; `stop`: this run should stop; `free`: there are runs to claim.
 */
const notification = z.object({
  from: z.string(),
  events: z.array(z.string()).optional(),
  stop: z.string().optional(),
  free: z.literal(true).optional(),
})
type Notification = Omit<z.infer<typeof notification>, 'from'>

/** A payload has at most 8,000 bytes; an id takes 39 of them. */
const maxIds = 190

/** Returns undefined for anything else, because any client of the database can send on the channel. */
function parseNotification(payload: string): z.infer<typeof notification> | undefined {
  try {
    return notification.safeParse(JSON.parse(payload)).data
  } catch {
    return undefined
  }
}

/** `processId` identifies this process, which ignores its own notifications. */
export function createNotifications(database: Database, processId: string) {
  const toPayload = (content: Notification) => JSON.stringify({ from: processId, ...content })
  return {
    /** Returns the payloads for a statement to send when it commits; none if there is only one process. */
    payloadsFor({ events, ...rest }: Notification): string[] {
      if (database.kind === 'embedded') return []
      if (!events) return [toPayload(rest)]
      const payloads: string[] = []
      for (let first = 0; first < events.length; first += maxIds)
        payloads.push(toPayload({ events: events.slice(first, first + maxIds) }))
      return payloads
    },

    async listen(on: {
      notification: (notification: Notification) => void
      reconnect: () => void
    }): Promise<() => Promise<void>> {
      if (database.kind === 'embedded') return async () => {}
      return database.listen(
        channel,
        (payload) => {
          const received = parseNotification(payload)
          if (received && received.from !== processId) on.notification(received)
        },
        on.reconnect,
      )
    },
  }
}
export type Notifications = ReturnType<typeof createNotifications>
