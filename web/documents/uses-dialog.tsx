import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { listDocumentUses } from '../../contract/document-uses.ts'
import type { Document } from '../../contract/knowledge.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Row } from '../shell/row.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { formatTime, joinFacts } from '../ui/format.ts'
import { ErrorState, Skeleton } from '../ui/state.tsx'

/** The conversations whose answers cite a document, and the avees that have it. */
export function UsesDialog({ document, onClose }: { document: Document; onClose: () => void }) {
  const api = useApi()
  const list = useInfiniteQuery({
    queryKey: keys.documentUses(document.id),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      api.call(listDocumentUses, { params: { id: document.id }, query: cursor ? { cursor } : {}, signal }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchOnMount: 'always',
  })
  const conversations = list.data?.pages.flatMap((page) => page.conversations) ?? []
  const { avees = [], conversations_of_others: others = null } = list.data?.pages[0] ?? {}
  return (
    <Dialog open onOpenChange={onClose} title={t('Where {title} is used', { title: document.title })}>
      {list.isPending && <Skeleton height="8rem" />}
      {list.isError && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && (
        <>
          <h3>{t('Cited in your conversations')}</h3>
          {conversations.length === 0 && <p className="soft">{t('None of your answers cites it.')}</p>}
          {conversations.length > 0 && (
            <ul className="rows">
              {conversations.map((use) => (
                <Row
                  key={use.conversation_id}
                  title={
                    <Link
                      href={`/chat/${use.avee_handle}/${use.conversation_id}?message=${use.message_id}`}
                      className="row-link truncate"
                      dir="auto"
                    >
                      {use.title ?? t('New conversation')}
                    </Link>
                  }
                  facts={joinFacts([
                    use.avee_handle !== 'local' && use.avee_display_name,
                    t('{count, plural, one {# answer} other {# answers}}', { count: use.answers }),
                    formatTime(use.cited_at),
                  ])}
                >
                  {null}
                </Row>
              ))}
            </ul>
          )}
          {list.hasNextPage && (
            <Button small busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t('Show more')}
            </Button>
          )}
          {others !== null && others > 0 && (
            <p className="soft">
              {t(
                '{count, plural, one {# conversation of others cites it.} other {# conversations of others cite it.}}',
                {
                  count: others,
                },
              )}
            </p>
          )}
          <h3>{t('Avees that have it')}</h3>
          <ul className="rows">
            {avees.map((avee) => (
              <Row
                key={avee.document_id}
                title={
                  <Link
                    href={avee.is_library ? '/library' : `/library?avee=${avee.handle}`}
                    className="row-link truncate"
                    dir="auto"
                    onClick={onClose}
                  >
                    {avee.is_library ? t('Your library') : avee.display_name}
                  </Link>
                }
                facts={avee.is_library ? '' : `@${avee.handle}`}
              >
                {null}
              </Row>
            ))}
          </ul>
        </>
      )}
    </Dialog>
  )
}
