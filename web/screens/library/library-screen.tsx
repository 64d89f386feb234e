import { useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn, MessageSquare } from 'lucide-react'
import { useSearchParams } from 'wouter'
import { getAvee, listMyAvees } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { DocumentManager } from '../../documents/document-manager.tsx'
import { t } from '../../languages/index.ts'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { SmallSelect } from '../../ui/field.tsx'
import { EmptyState, ErrorState, Skeleton } from '../../ui/state.tsx'

/** The user's own documents, and those of each of their avees. */
export function LibraryScreen() {
  const api = useApi()
  const [params, setParams] = useSearchParams()
  const handle = params.get('avee') ?? 'local'
  const avee = useQuery({
    queryKey: keys.avee(handle),
    queryFn: () => api.call(getAvee, { params: { id: handle } }),
    staleTime: 60_000,
  })
  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees), staleTime: 60_000 })
  const others = mine.data?.avees.filter(({ is_library }) => !is_library) ?? []
  return (
    <Page
      title={t('Library')}
      wide
      intro={t('Your documents. Answers cite the pages they use.')}
      actions={
        <>
          {others.length > 0 && (
            <SmallSelect
              label={t('Documents of')}
              value={handle}
              onChange={(event) => {
                const chosen = event.target.value
                setParams(chosen === 'local' ? {} : { avee: chosen }, { replace: true })
              }}
            >
              <option value="local">{t('Your library')}</option>
              {others.map((other) => (
                <option key={other.id} value={other.handle}>
                  {other.display_name}
                </option>
              ))}
            </SmallSelect>
          )}
          <ButtonLink href={`/avee/${handle}/insight`} icon={ChartNoAxesColumn}>
            {t('Insight')}
          </ButtonLink>
          <ButtonLink href={`/chat/${handle}`} icon={MessageSquare}>
            {t('Ask')}
          </ButtonLink>
        </>
      }
    >
      {avee.isError && !avee.data ? (
        <ErrorState error={avee.error} onRetry={() => void avee.refetch()} />
      ) : avee.data?.is_owner === false ? (
        <EmptyState title={t('No access')}>
          {t('Only the owner of an avee can see its documents.')}
        </EmptyState>
      ) : avee.data ? (
        <DocumentManager key={avee.data.id} avee={avee.data} />
      ) : (
        <Skeleton height="15rem" />
      )}
    </Page>
  )
}
