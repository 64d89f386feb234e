import { logOut } from '../../contract/accounts.ts'
import { useApi } from '../api/react.tsx'
import { clearCachedData } from '../offline/keep-offline.ts'
import { clearLocally } from '../ui/local-storage.ts'
import { errorMessage } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'

/** Returns a function that signs out of this browser. */
export function useSignOut(): () => void {
  const api = useApi()
  const showToast = useToast()
  return () => {
    api.call(logOut).then(leave, (error: unknown) => showToast(errorMessage(error), 'bad'))
  }
}

/** Removes the stored data of a user whose session has ended, and opens the sign-in screen. */
export async function leave(): Promise<void> {
  clearLocally()
  await clearCachedData()
  // A new page load also clears memory.
  location.assign('/login')
}
