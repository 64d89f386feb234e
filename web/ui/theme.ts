import { useState } from 'react'
import { saveLocally } from './local-storage.ts'

export type Theme = 'system' | 'light' | 'dark'

/** Returns the theme and a function that changes it. `public/theme.js` applies it before the first paint. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => {
    const chosen = document.documentElement.dataset['theme']
    return chosen === 'light' || chosen === 'dark' ? chosen : 'system'
  })
  const choose = (next: Theme): void => {
    setTheme(next)
    if (next === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = next
    saveLocally('theme', next === 'system' ? undefined : next)
  }
  return [theme, choose]
}
