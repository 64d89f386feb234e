import { useQuery } from '@tanstack/react-query'
import { useIsConnectionLost, useServerConnection } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Button, Spinner } from '../ui/button.tsx'
import './connection-bar.css'
import { isPageOutdated } from './page-build.ts'

/** Shows that the server cannot be reached, or that it has a new version of the page. */
export function ConnectionBar() {
  const connection = useServerConnection()
  const isLost = useIsConnectionLost()
  const isOutdated = useIsPageOutdated()
  return (
    <div role="status">
      {isLost ? (
        <p className="connection-bar connection-lost">
          <Spinner size={16} />
          {t('Connection lost – reconnecting')}
          <Button small variant="quiet" onClick={connection.check}>
            {t('Try now')}
          </Button>
        </p>
      ) : (
        isOutdated && (
          <p className="connection-bar">
            {t('A new version is available.')}
            <Button small variant="quiet" onClick={() => location.reload()}>
              {t('Reload')}
            </Button>
          </p>
        )
      )}
    </div>
  )
}

/**
 * Compares the page with the server's version when the connection is restored and when the user returns to the page.
 */
function useIsPageOutdated(): boolean {
  const check = useQuery({
    queryKey: ['page-build'],
    queryFn: isPageOutdated,
    initialData: false,
    staleTime: 60_000,
    retry: false,
  })
  return check.data
}
