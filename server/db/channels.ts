type Listener = { onPayload: (payload: string) => void; onReconnect: (() => void) | undefined }

/** The listeners of this process by channel. */
export function createChannels() {
  const byName = new Map<string, Set<Listener>>()
  return {
    /** The channels that have listeners. */
    names: (): string[] => [...byName.keys()],
    /** Returns a function that removes the listener. */
    add(channel: string, listener: Listener): () => void {
      const listeners = byName.get(channel) ?? new Set()
      byName.set(channel, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && byName.get(channel) === listeners) byName.delete(channel)
      }
    },
    deliver(channel: string, payload: string): void {
      for (const { onPayload } of byName.get(channel) ?? []) onPayload(payload)
    },
    reconnected(): void {
      for (const listeners of byName.values()) for (const { onReconnect } of listeners) onReconnect?.()
    },
  }
}
