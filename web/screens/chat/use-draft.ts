import { useCallback, useEffect, useState } from 'react'
import { loadLocally, saveLocally } from '../../ui/local-storage.ts'

/** The unsent question of a place, kept over reloads. `place` is a conversation, or an avee without one yet. */
export function useDraft(place: string): {
  draft: string
  change: (text: string) => void
  /** Empties the box, but keeps the text until the server has it. */
  sent: () => void
} {
  const name = nameOf(place)
  const [draft, setDraft] = useState(() => loadLocally(name) ?? '')
  useEffect(() => setDraft(loadLocally(name) ?? ''), [name])
  const change = useCallback(
    (text: string) => {
      setDraft(text)
      saveLocally(name, text || undefined)
    },
    [name],
  )
  return { draft, change, sent: useCallback(() => setDraft(''), []) }
}

/** Forgets the draft of a place, unless something else was written there in the meantime. */
export function clearDraft(place: string, question: string): void {
  if (loadLocally(nameOf(place))?.trim() === question) saveLocally(nameOf(place), undefined)
}

const nameOf = (place: string): string => `draft:${place}`
