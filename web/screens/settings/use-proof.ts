import { useQuery } from '@tanstack/react-query'
import { getFactors } from '../../../contract/second-factors.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'

/** How the user can prove their identity; `none` without a password and second factor. */
export type Proof = 'password' | 'code' | 'none'

/**
 * Returns the proof that the user's account supports; accounts created at an OIDC provider have no password at first.
 */
export function useProof(): Proof {
  const api = useApi()
  const { data } = useQuery({ queryKey: keys.factors, queryFn: () => api.call(getFactors) })
  if (!data || data.password) return 'password'
  return data.totp || data.passkeys.length > 0 ? 'code' : 'none'
}
