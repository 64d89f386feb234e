import { useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn, MessageSquare } from 'lucide-react'
import { getAvee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { DocumentManager } from '../../documents/document-manager.tsx'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { ErrorState, Skeleton } from '../../ui/state.tsx'

/** The user's own documents. */
export function LibraryScreen() {
  const api = useApi()
  const library = useQuery({
    queryKey: keys.avee('local'),
    queryFn: () => api.call(getAvee, { params: { id: 'local' } }),
    staleTime: 60_000,
  })
  return (
    <Page
      title="Library"
      intro="Your documents. Answers cite the pages they use."
      actions={
        <>
          <ButtonLink href="/avee/local/insight" icon={ChartNoAxesColumn}>
            Insight
          </ButtonLink>
          <ButtonLink href="/chat/local" icon={MessageSquare}>
            Ask
          </ButtonLink>
        </>
      }
    >
      {library.isError && !library.data ? (
        <ErrorState error={library.error} onRetry={() => void library.refetch()} />
      ) : library.data ? (
        <DocumentManager avee={library.data} />
      ) : (
        <Skeleton height="15rem" />
      )}
    </Page>
  )
}
