import { useQuery } from '@tanstack/react-query'
import { type AdminUser, listUsers } from '../../../contract/admin.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'

/** Returns the query of all users of the server. */
export function useUsers() {
  const api = useApi()
  return useQuery({
    queryKey: keys.adminUsers,
    queryFn: async (): Promise<AdminUser[]> => (await api.call(listUsers)).users,
  })
}

/** Returns a function that names a user by id. */
export function useUserName(): (id: string) => string {
  const users = useUsers()
  const names = new Map(users.data?.map(({ id, display_name }) => [id, display_name]))
  return (id) => names.get(id) ?? t('Deleted user')
}
