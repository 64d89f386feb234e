import { startVisit } from '../../contract/avees.ts'
import type { Client } from '../api/index.ts'
import { loadLocally, saveLocally } from '../ui/local-storage.ts'

/**
 * The visit of an avee in a frame. Browsers block cookies there, so requests send the token in a header. The token is
 * stored per website in the frame's storage, or only until the frame is closed if there is none.
 */
export function createVisit(handle: string) {
  const tokenName = `embedded-visit:${handle}`
  const conversationName = `embedded-conversation:${handle}`
  let token = loadLocally(tokenName)

  const set = (changed: string | undefined): void => {
    if (token !== changed) saveLocally(conversationName, undefined)
    token = changed
    saveLocally(tokenName, token)
  }
  return {
    fetch: ((input, init) => {
      const headers = new Headers(init?.headers)
      if (token !== undefined) headers.set('X-Visitor', token)
      return fetch(input, { ...init, headers, credentials: 'omit' })
    }) satisfies typeof fetch,

    /** Continues the visit, or starts one. Returns the conversation that was open last. */
    async start(api: Client): Promise<{ conversationId: string | undefined }> {
      set((await api.call(startVisit, { params: { id: handle } })).token)
      return { conversationId: loadLocally(conversationName) }
    },

    saveConversation: (id: string | undefined): void => saveLocally(conversationName, id),
    forget: (): void => set(undefined),
  }
}

export type Visit = ReturnType<typeof createVisit>
