import { useQuery } from '@tanstack/react-query'
import { ShieldAlert } from 'lucide-react'
import { useLocation } from 'wouter'
import { getMe } from '../../../contract/accounts.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Page } from '../../shell/page.tsx'
import { EmptyState, Skeleton } from '../../ui/state.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { Activity } from './activity.tsx'
import { ServerState } from './server-state.tsx'
import { Usage } from './usage.tsx'
import { Users } from './users.tsx'

const home = '/administration'

/** /administration: users, usage, the audit log and the state of the server, for administrators. */
export function AdminScreen({ part }: { part: string | undefined }) {
  const api = useApi()
  const [, navigate] = useLocation()
  const me = useQuery({ queryKey: keys.me, queryFn: () => api.call(getMe), staleTime: 60_000 })
  if (!me.data) {
    return (
      <Page title={t('Administration')}>
        <Skeleton height="20rem" />
      </Page>
    )
  }
  if (!me.data.is_admin) {
    return (
      <Page title={t('Administration')}>
        <EmptyState icon={ShieldAlert} title={t('No access')}>
          {t('Only administrators of this server can open this page.')}
        </EmptyState>
      </Page>
    )
  }
  const tabs = [
    { id: 'users', title: t('Users'), content: <Users me={me.data} /> },
    { id: 'usage', title: t('Usage'), content: <Usage /> },
    { id: 'activity', title: t('Activity'), content: <Activity /> },
    { id: 'server', title: t('Server'), content: <ServerState /> },
  ]
  return (
    <Page title={t('Administration')}>
      <Tabs
        label={t('Administration')}
        value={tabs.find(({ id }) => id === part)?.id ?? 'users'}
        onChange={(id) => navigate(id === 'users' ? home : `${home}/${id}`, { replace: true })}
        tabs={tabs}
      />
    </Page>
  )
}
