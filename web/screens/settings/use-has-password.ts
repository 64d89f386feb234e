import { useQuery } from '@tanstack/react-query'
import { getFactors } from '../../../contract/second-factors.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'

/** Returns whether the account has a password; those created at an OIDC provider have none at first. */
export function useHasPassword(): boolean {
  const api = useApi()
  const factors = useQuery({ queryKey: keys.factors, queryFn: () => api.call(getFactors) })
  return factors.data?.password ?? true
}
