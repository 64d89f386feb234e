import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { Archive, ArchiveRestore, Trash2 } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import {
  type Conversation,
  deleteConversation,
  listConversations,
  restoreConversation,
} from '../../contract/chat.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { Button } from '../ui/button.tsx'
import { SearchField } from '../ui/field.tsx'
import { Skeleton } from '../ui/state.tsx'
import { TrashDialog } from '../ui/trash-dialog.tsx'
import { groupByTime } from './groups.ts'
import { HistoryItem } from './history-item.tsx'
import './history.css'

/** The list of conversations: pinned ones first, then by time. The search covers titles and messages. */
export function History({ current }: { current: string | undefined }) {
  const [words, setWords] = useState('')
  const [isArchive, setIsArchive] = useState(false)
  const [showsTrash, setShowsTrash] = useState(false)
  const query = useDeferredValue(words.trim())
  const list = useConversations(query, isArchive)
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
        {!isArchive && (
          <Button small variant="quiet" icon={Trash2} onClick={() => setShowsTrash(true)}>
            Trash
          </Button>
        )}
      </div>
      {showsTrash && <ConversationTrash onClose={() => setShowsTrash(false)} />}
    </section>
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
          title: title ?? 'New conversation',
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
  if (query) return 'No results'
  return isArchive ? 'No archived conversations' : 'No conversations yet'
}
