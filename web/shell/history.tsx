import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Archive, ArchiveRestore, ChevronDown, Trash2 } from 'lucide-react'
import { useDeferredValue, useEffect, useRef, useState } from 'react'
import {
  type Conversation,
  deleteConversation,
  listConversations,
  restoreConversation,
} from '../../contract/conversations.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { SearchField } from '../ui/field.tsx'
import { loadLocally, saveLocally } from '../ui/local-storage.ts'
import { Skeleton } from '../ui/state.tsx'
import { TrashDialog } from '../ui/trash-dialog.tsx'
import { groupByTime } from './groups.ts'
import { HistoryItem } from './history-item.tsx'
import { unsentConversation } from './unsent-conversation.ts'
import './history.css'

const collapsed = 'collapsed-conversations'
const estimatedRow = 34
const overscan = 8

/** The conversations: pinned ones first, then by time. The search covers titles and messages. */
export function History({ current }: { current: string | undefined }) {
  const [words, setWords] = useState('')
  const [isArchive, setIsArchive] = useState(false)
  const [showsTrash, setShowsTrash] = useState(false)
  const [isOpen, setIsOpen] = useState(() => loadLocally(collapsed) === undefined)
  const query = useDeferredValue(words.trim())
  const list = useConversations(query, isArchive)
  const listed = list.data?.pages.flatMap((page) => page.conversations) ?? []
  // The conversation with the unsent files of a new chat opens with *New chat*.
  const conversations = listed.filter(
    ({ id, leaf_id, avee_handle }) => leaf_id !== null || unsentConversation(avee_handle) !== id,
  )
  const isEmpty = conversations.length === 0
  const toggle = (): void => {
    setIsOpen(!isOpen)
    saveLocally(collapsed, isOpen ? 'yes' : undefined)
  }

  return (
    <section className="history" aria-label={t('Conversations')} data-open={isOpen}>
      <div className="history-head">
        <button type="button" className="history-toggle" aria-expanded={isOpen} onClick={toggle}>
          <ChevronDown size={14} aria-hidden />
          {isArchive ? t('Archived conversations') : t('Conversations')}
        </button>
        <IconButton
          label={isArchive ? t('Back to conversations') : t('Archived conversations')}
          icon={isArchive ? ArchiveRestore : Archive}
          small
          onClick={() => setIsArchive(!isArchive)}
        />
        <IconButton label={t('Trash')} icon={Trash2} small onClick={() => setShowsTrash(true)} />
      </div>
      {isOpen && (
        <>
          <div className="history-search">
            <SearchField
              label={t('Search conversations')}
              value={words}
              onChange={(event) => setWords(event.target.value)}
            />
          </div>
          {list.isPending ? (
            <div className="history-skeleton" role="status" aria-label={t('Loading conversations')}>
              {['80%', '60%', '72%', '50%'].map((width) => (
                <Skeleton key={width} width={width} height="0.9rem" />
              ))}
            </div>
          ) : list.isError && !list.data ? (
            <div className="history-note" role="alert">
              <p>{list.error.message}</p>
              <Button small variant="quiet" onClick={() => void list.refetch()}>
                {t('Try again')}
              </Button>
            </div>
          ) : isEmpty ? (
            <p className="history-note">{emptyText(query, isArchive)}</p>
          ) : (
            <ConversationRows
              conversations={conversations}
              current={current}
              query={query}
              loadMore={list.hasNextPage && !list.isFetchingNextPage ? list.fetchNextPage : undefined}
            />
          )}
        </>
      )}
      {showsTrash && <ConversationTrash onClose={() => setShowsTrash(false)} />}
    </section>
  )
}

/** The rows in view, with the headings of their groups. */
function ConversationRows({
  conversations,
  current,
  query,
  loadMore,
}: {
  conversations: Conversation[]
  current: string | undefined
  query: string
  /** Loads the next page; undefined while it is loading, and on the last one. */
  loadMore: (() => Promise<unknown>) | undefined
}) {
  const scroller = useRef<HTMLDivElement>(null)
  const rows = groupByTime(conversations, new Date()).flatMap((group) => [
    group.title,
    ...group.conversations,
  ])
  const rowKey = (index: number): string => {
    const row = rows[index] ?? ''
    return typeof row === 'string' ? row : row.id
  }
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => estimatedRow,
    getItemKey: rowKey,
    overscan,
  })
  const shown = virtualizer.getVirtualItems()
  const isAtEnd = (shown.at(-1)?.index ?? 0) >= rows.length - overscan
  useEffect(() => {
    if (isAtEnd) void loadMore?.()
  }, [isAtEnd, loadMore])
  return (
    <div className="history-list" ref={scroller}>
      <ul style={{ height: virtualizer.getTotalSize() }}>
        {shown.map(({ index, key, start }) => {
          const row = rows[index] ?? ''
          return (
            <li
              key={key}
              ref={virtualizer.measureElement}
              data-index={index}
              style={{ transform: `translateY(${start}px)` }}
            >
              {typeof row === 'string' ? (
                <h2 className="history-group">{row}</h2>
              ) : (
                <HistoryItem conversation={row} isCurrent={row.id === current} query={query} />
              )}
            </li>
          )
        })}
      </ul>
    </div>
  )
}

/** Returns the query of the conversations, in pages. */
export function useConversations(query: string, isArchive: boolean) {
  const api = useApi()
  return useInfiniteQuery({
    queryKey: keys.conversationList(query, isArchive),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      api.call(listConversations, {
        query: {
          archived: isArchive,
          limit: 40,
          ...(query ? { query } : {}),
          ...(pageParam ? { cursor: pageParam } : {}),
        },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous) => previous,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.conversations.some(isAnswering)) ? 4_000 : 60_000,
  })
}

function ConversationTrash({ onClose }: { onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  return (
    <TrashDialog
      queryKey={keys.conversationTrash}
      load={async (signal) => {
        const query = { trash: true, limit: 200 }
        const { conversations } = await api.call(listConversations, { query, signal })
        return conversations.map(({ id, title, restorable_until = '' }) => ({
          id,
          title: title ?? t('New conversation'),
          restorableUntil: restorable_until,
        }))
      }}
      restore={(id) => api.call(restoreConversation, { params: { id } })}
      remove={(id) => api.call(deleteConversation, { params: { id }, query: { permanent: true } })}
      onChange={() => queries.invalidateQueries({ queryKey: keys.conversations })}
      onClose={onClose}
    />
  )
}

const isAnswering = (conversation: Conversation): boolean => conversation.running_run_id !== null

const emptyText = (query: string, isArchive: boolean): string => {
  if (query) return t('No results')
  return isArchive ? t('No archived conversations') : t('No conversations yet')
}
