import { logOut } from '../../contract/accounts.ts'
import { useApi } from '../api/react.tsx'
import { forgetRead } from '../offline/keep-offline.ts'
import { clearLocally } from '../ui/local-storage.ts'
import { errorMessage } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'

/** Returns a function that signs out, removes what this browser has kept and opens the sign-in screen. */
export function useSignOut(): () => void {
  const api = useApi()
  const showToast = useToast()
  return () => {
    api.call(logOut).then(
      async () => {
        clearLocally('draft:')
        await forgetRead()
        // A new page load also clears memory.
        location.assign('/login')
      },
      (error: unknown) => showToast(errorMessage(error), 'bad'),
    )
  }
}
