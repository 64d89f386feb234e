import { loadLocally, saveLocally } from '../ui/local-storage.ts'

/** Returns the conversation that contains the files of the next new chat with an avee, before its first question. */
export const unsentConversation = (handle: string): string | undefined => loadLocally(storageKey(handle))

export const setUnsentConversation = (handle: string, id: string | undefined): void =>
  saveLocally(storageKey(handle), id)

const storageKey = (handle: string): string => `unsent:${handle}`
