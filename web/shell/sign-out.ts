import { logOut } from '../../contract/accounts.ts'
import { useApi } from '../api/react.tsx'
import { clearLocally } from '../ui/local-storage.ts'
import { errorMessage } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'

/** Ends the session of this browser and leads to signing in, leaving nothing of this person behind. */
export function useSignOut(): () => void {
  const api = useApi()
  const tell = useToast()
  return () => {
    api.call(logOut).then(
      () => {
        clearLocally('draft:')
        // A new page, so that nothing stays in memory either.
        location.assign('/login')
      },
      (error: unknown) => tell(errorMessage(error), 'bad'),
    )
  }
}
