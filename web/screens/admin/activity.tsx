import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { listAuditLog } from '../../../contract/admin.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { SearchField } from '../../ui/field.tsx'
import { formatFullTime, formatTime } from '../../ui/format.ts'
import { EmptyState, Loaded } from '../../ui/state.tsx'
import { Table } from '../../ui/table.tsx'
import { useUserName } from './use-users.ts'

/** The audit log, the newest entries first. */
export function Activity() {
  const api = useApi()
  const nameOf = useUserName()
  const [searchText, setSearchText] = useState('')
  const query = useDeferredValue(searchText.trim())
  const log = useInfiniteQuery({
    queryKey: keys.adminAudit(query),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      api.call(listAuditLog, {
        query: { limit: 50, ...(query ? { query } : {}), ...(cursor ? { cursor } : {}) },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
  const entries = log.data?.pages.flatMap((page) => page.entries) ?? []
  return (
    <Section
      title={t('Activity')}
      text={t(
        'Sign-ins, permissions, deletions, keys and settings of the last year, without their contents.',
      )}
      actions={
        <SearchField
          label={t('Search activity')}
          value={searchText}
          onChange={(event) => setSearchText(event.target.value)}
        />
      }
    >
      <Loaded query={log} height="20rem">
        {() =>
          entries.length === 0 ? (
            <EmptyState icon={ScrollText} title={query ? t('No results') : t('No activity yet')} />
          ) : (
            <>
              <Table
                label={t('Audit log')}
                columns={[
                  { title: t('Time') },
                  { title: t('Action') },
                  { title: t('User') },
                  { title: t('Target') },
                  { title: t('Address') },
                ]}
              >
                {entries.map(({ id, at, actor, action, target, address }) => (
                  <tr key={id}>
                    <td className="time" title={formatFullTime(at)}>
                      {formatTime(at)}
                    </td>
                    <td>
                      <code>{action}</code>
                    </td>
                    <td>{actor === null ? '' : (actor.email ?? nameOf(actor.id))}</td>
                    <td>{target}</td>
                    <td>{address}</td>
                  </tr>
                ))}
              </Table>
              {log.hasNextPage && (
                <div>
                  <Button busy={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
                    {t('Show more')}
                  </Button>
                </div>
              )}
            </>
          )
        }
      </Loaded>
    </Section>
  )
}
