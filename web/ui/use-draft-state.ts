import { useState } from 'react'
import { loadLocally, saveLocally } from './local-storage.ts'

/**
 * The unsaved values of a form. They are kept in this browser until `clear`, so that they are not lost when the user
 * leaves the form. Only values that differ from `initial` are kept.
 */
export function useDraftState<Values extends object>(
  form: string,
  initial: Values,
): [values: Values, change: (changes: Partial<Values>) => void, clear: () => void] {
  const name = `draft:form ${form}`
  const [changes, setChanges] = useState(() => parse<Values>(loadLocally(name)))
  const change = (more: Partial<Values>): void => {
    const next = Object.fromEntries(
      Object.entries({ ...changes, ...more }).filter(
        ([key, value]) => value !== initial[key as keyof Values],
      ),
    ) as Partial<Values>
    setChanges(next)
    saveLocally(name, Object.keys(next).length === 0 ? undefined : JSON.stringify(next))
  }
  const clear = (): void => {
    setChanges({})
    saveLocally(name, undefined)
  }
  return [{ ...initial, ...changes }, change, clear]
}

function parse<Values extends object>(stored: string | undefined): Partial<Values> {
  try {
    return JSON.parse(stored ?? '{}') as Partial<Values>
  } catch {
    return {}
  }
}
