import { useInfiniteQuery } from '@tanstack/react-query'
import { Archive, ArchiveRestore } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { type Conversation, listConversations } from '../../contract/chat.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { Button } from '../ui/button.tsx'
import { SearchField } from '../ui/field.tsx'
import { Skeleton } from '../ui/state.tsx'
import { groupByTime } from './groups.ts'
import { HistoryItem } from './history-item.tsx'
import './history.css'

/** The list of conversations: pinned ones first, then by time. The search covers titles and messages. */
export function History({ current }: { current: string | undefined }) {
  const api = useApi()
  const [words, setWords] = useState('')
  const [isArchive, setIsArchive] = useState(false)
  const query = useDeferredValue(words.trim())
  const list = useInfiniteQuery({
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
      state.data?.pages.some((page) => page.conversations.some(isAnswering)) ? 4_000 : false,
  })
  const conversations = list.data?.pages.flatMap((page) => page.conversations) ?? []

  return (
    <section className="history" aria-label="Conversations">
      <div className="history-search">
        <SearchField
          label="Search conversations"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
      </div>
      <div className="history-list">
        {list.isPending ? (
          <div className="history-skeleton" role="status" aria-label="Loading conversations">
            {['80%', '60%', '72%', '50%'].map((width) => (
              <Skeleton key={width} width={width} height="0.9rem" />
            ))}
          </div>
        ) : list.isError && !list.data ? (
          <div className="history-note" role="alert">
            <p>{list.error.message}</p>
            <Button small variant="quiet" onClick={() => void list.refetch()}>
              Try again
            </Button>
          </div>
        ) : conversations.length === 0 ? (
          <p className="history-note">{emptyText(query, isArchive)}</p>
        ) : (
          groupByTime(conversations, new Date()).map((group) => (
            <div key={group.title}>
              <h2 className="history-group">{group.title}</h2>
              <ul>
                {group.conversations.map((conversation) => (
                  <HistoryItem
                    key={conversation.id}
                    conversation={conversation}
                    isCurrent={conversation.id === current}
                  />
                ))}
              </ul>
            </div>
          ))
        )}
        {list.hasNextPage && (
          <Button
            small
            variant="quiet"
            busy={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show earlier
          </Button>
        )}
        {(isArchive || (!list.isPending && conversations.length > 0)) && (
          <Button
            small
            variant="quiet"
            icon={isArchive ? ArchiveRestore : Archive}
            onClick={() => setIsArchive(!isArchive)}
          >
            {isArchive ? 'Back to conversations' : 'Archive'}
          </Button>
        )}
      </div>
    </section>
  )
}

const isAnswering = (conversation: Conversation): boolean => conversation.running_run_id !== null

const emptyText = (query: string, isArchive: boolean): string => {
  if (query) return 'No results'
  return isArchive ? 'No archived conversations' : 'No conversations yet'
}
