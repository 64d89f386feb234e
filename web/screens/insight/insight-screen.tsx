import { useQuery } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import { type Avee, getAvee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Page } from '../../shell/page.tsx'
import { EmptyState, errorMessage, Skeleton } from '../../ui/state.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { Overview } from './overview.tsx'
import { Questions } from './questions.tsx'
import { SharingSettings } from './sharing-settings.tsx'
import { Updates } from './updates.tsx'

/** /avee/{handle}/insight: metrics, questions, updates and sharing settings for the avee's owner. */
export function InsightScreen({ handle, part }: { handle: string; part: string | undefined }) {
  const api = useApi()
  const avee = useQuery({
    queryKey: keys.avee(handle),
    queryFn: () => api.call(getAvee, { params: { id: handle } }),
  })
  if (avee.isError || avee.data?.is_owner === false) {
    return (
      <Page title={t('Insight')} back={{ href: '/avee', title: t('Avees') }}>
        <EmptyState title={avee.isError ? t('Insight not available') : t('No access')}>
          {avee.isError ? errorMessage(avee.error) : t('Only the owner of an avee can see its insight.')}
        </EmptyState>
      </Page>
    )
  }
  if (!avee.data) {
    return (
      <Page title={t('Insight')}>
        <Skeleton height="3rem" width="60%" />
        <Skeleton height="20rem" />
      </Page>
    )
  }
  return <OwnInsight avee={avee.data} part={part ?? 'overview'} />
}

function OwnInsight({ avee, part }: { avee: Avee; part: string }) {
  const [, navigate] = useLocation()
  const home = `/avee/${avee.handle}/insight`
  const back = avee.is_library
    ? { href: '/library', title: t('Library') }
    : { href: `/avee/${avee.handle}`, title: avee.display_name }
  const tabs = [
    { id: 'overview', title: t('Overview'), content: <Overview avee={avee} /> },
    { id: 'questions', title: t('Questions'), content: <Questions avee={avee} /> },
    { id: 'updates', title: t('Updates'), content: <Updates avee={avee} /> },
    // Only its owner has access to a library, so it has no visitors.
    ...(avee.is_library
      ? []
      : [{ id: 'sharing', title: t('Settings'), content: <SharingSettings avee={avee} /> }]),
  ]
  return (
    <Page
      title={avee.is_library ? t('Insight') : t('Insight: {name}', { name: avee.display_name })}
      back={back}
    >
      <Tabs
        label={t('Insight')}
        value={tabs.some(({ id }) => id === part) ? part : 'overview'}
        onChange={(id) => navigate(id === 'overview' ? home : `${home}/${id}`, { replace: true })}
        tabs={tabs}
      />
    </Page>
  )
}
