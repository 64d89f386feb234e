import { useCallback, useEffect, useState } from 'react'
import { loadLocally, saveLocally } from '../../ui/local-storage.ts'

/** The unsent question of a chat, kept across reloads. `chatKey` is a conversation id, or names an avee before it has one. */
export function useDraft(chatKey: string): {
  draft: string
  setDraft: (text: string) => void
  /** Empties the input, but keeps the stored text until the server has accepted the question. */
  clearInput: () => void
} {
  const name = storageKey(chatKey)
  const [draft, setText] = useState(() => loadLocally(name) ?? '')
  useEffect(() => setText(loadLocally(name) ?? ''), [name])
  const setDraft = useCallback(
    (text: string) => {
      setText(text)
      saveLocally(name, text || undefined)
    },
    [name],
  )
  return { draft, setDraft, clearInput: useCallback(() => setText(''), []) }
}

/** Deletes the draft of a chat, unless its text has changed since `question` was sent. */
export function clearDraft(chatKey: string, question: string): void {
  const name = storageKey(chatKey)
  if (loadLocally(name)?.trim() === question) saveLocally(name, undefined)
}

/** Moves the draft of a chat to the conversation that it has become. */
export function moveDraft(from: string, to: string): void {
  saveLocally(storageKey(to), loadLocally(storageKey(from)))
  saveLocally(storageKey(from), undefined)
}

const storageKey = (chatKey: string): string => `draft:${chatKey}`
