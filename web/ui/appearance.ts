import { useState } from 'react'
import { saveLocally } from './local-storage.ts'

/** What users choose of the page's look in this browser; without a choice, the system or the default decides. */
type Appearance = { theme: 'light' | 'dark'; contrast: 'high'; density: 'compact' }

/** Returns a choice and a function that changes it. `public/appearance.js` applies it before the first paint. */
export function useAppearance<Name extends keyof Appearance>(
  name: Name,
): [Appearance[Name] | undefined, (value: Appearance[Name] | undefined) => void] {
  const [value, setValue] = useState(
    () => document.documentElement.dataset[name] as Appearance[Name] | undefined,
  )
  const choose = (next: Appearance[Name] | undefined): void => {
    setValue(next)
    if (next === undefined) delete document.documentElement.dataset[name]
    else document.documentElement.dataset[name] = next
    saveLocally(name, next)
  }
  return [value, choose]
}
