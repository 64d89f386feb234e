import { useSyncExternalStore } from 'react'

/** Whether a media query holds, kept up to date. */
export function useMedia(query: string): boolean {
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
export const narrow = '(max-width: 67.5rem)'
/** Too narrow for the sidebar. */
export const phone = '(max-width: 47.5rem)'
