import { useSyncExternalStore } from 'react'

/** Returns whether a media query matches; rerenders when that changes. */
export function useMediaQuery(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = matchMedia(query)
      list.addEventListener('change', changed)
      return () => list.removeEventListener('change', changed)
    },
    () => matchMedia(query).matches,
  )
}

/** Too narrow for a panel beside the page. */
export const narrowScreen = '(max-width: 67.5rem)'
/** Too narrow for the sidebar. */
export const phoneScreen = '(max-width: 47.5rem)'
