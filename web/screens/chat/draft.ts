import { useCallback, useEffect, useState } from 'react'
import { recall, remember } from '../../ui/remember.ts'

/** The unsent question of a place, kept over reloads. `place` is a conversation, or an avee without one yet. */
export function useDraft(
  place: string,
): [draft: string, setDraft: (text: string) => void, clearKept: () => void] {
  const name = `draft:${place}`
  const [draft, setDraft] = useState(() => recall(name) ?? '')
  useEffect(() => setDraft(recall(name) ?? ''), [name])
  const change = useCallback(
    (text: string) => {
      setDraft(text)
      remember(name, text || undefined)
    },
    [name],
  )
  return [draft, change, useCallback(() => remember(name, undefined), [name])]
}
