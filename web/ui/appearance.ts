import { useState, useSyncExternalStore } from 'react'
import { saveLocally } from './local-storage.ts'

/**
 * The appearance that a user has chosen in this browser; otherwise the setting of the system or the default applies.
 */
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

/** Returns whether the page is dark, by the choice of the user or the system; rerenders on changes. */
export const useIsDark = (): boolean => useSyncExternalStore(onAppearanceChange, isDark, () => false)

const darkSystem = '(prefers-color-scheme: dark)'

function isDark(): boolean {
  const { theme } = document.documentElement.dataset
  return theme ? theme === 'dark' : matchMedia(darkSystem).matches
}

function onAppearanceChange(changed: () => void): () => void {
  const system = matchMedia(darkSystem)
  const choice = new MutationObserver(changed)
  system.addEventListener('change', changed)
  choice.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => {
    system.removeEventListener('change', changed)
    choice.disconnect()
  }
}
