import { logOut } from '../../contract/accounts.ts'
import { useApi } from '../api/react.tsx'
import { clearLocally } from '../ui/local-storage.ts'
import { errorMessage } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'

/** Returns a function that signs out, removes drafts and opens the sign-in screen. */
export function useSignOut(): () => void {
  const api = useApi()
  const showToast = useToast()
  return () => {
    api.call(logOut).then(
      () => {
        clearLocally('draft:')
        // A new page load also clears memory.
        location.assign('/login')
      },
      (error: unknown) => showToast(errorMessage(error), 'bad'),
    )
  }
}
