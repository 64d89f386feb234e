import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUpToLine } from 'lucide-react'
import { type RefObject, useCallback, useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import type { Message } from '../../../contract/messages.ts'
import { t } from '../../languages/index.ts'
import { IconButton } from '../../ui/button.tsx'
import { ErrorState, Skeleton } from '../../ui/state.tsx'
import { AnswerView, RefreshAnswer } from './answer.tsx'
import type { MessageActions } from './message-actions.ts'
import { articleAttributes } from './message-place.ts'
import { type Match, MessageSearch } from './message-search.tsx'
import { PendingTurnView } from './pending-turn.tsx'
import { QuestionView } from './question.tsx'
import { ThreadSkeleton } from './thread-skeleton.tsx'
import { useBranchPages } from './use-branch-pages.ts'
import { useJump } from './use-jump.ts'
import { useLinkedMessage } from './use-linked-message.ts'
import { firstMatchIn, useMatchHighlights } from './use-match-highlights.ts'
import { useStickToBottom } from './use-stick-to-bottom.ts'
import { pageSize, type Thread } from './use-thread.ts'

export type MessageListProps = {
  thread: Thread
  avee: Avee
  actions: MessageActions
  isSearching: boolean
  onSearch: (isSearching: boolean) => void
  onEditRefused: (question: string) => void
}

/** The messages of a conversation, and the search in them. */
export function MessageList(props: MessageListProps) {
  const { list } = props.thread
  if (list.data || !list.isEnabled) return <LoadedMessages {...props} />
  return (
    <div className="thread">
      <div className="thread-column">
        {list.isError ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : (
          <ThreadSkeleton />
        )}
      </div>
    </div>
  )
}

type MessageRowProps = Omit<Parameters<typeof AnswerView>[0], 'message'> & { message: Message | undefined }

function MessageRow({ message, ...props }: MessageRowProps) {
  if (message?.role === 'user') return <QuestionView message={message} {...props} />
  if (message) return <AnswerView message={message} {...props} />
  return (
    <article
      className="message-placeholder"
      aria-busy
      aria-label={t('Loading message')}
      {...articleAttributes(props)}
      style={{ height: estimatedHeight - rowGap }}
    >
      <Skeleton width="94%" />
      <Skeleton width="60%" />
    </article>
  )
}

const articleAt = (list: HTMLElement | null, position = -1): HTMLElement | undefined =>
  list?.querySelector<HTMLElement>(`[data-index="${position}"] article`) ?? undefined

/** Ctrl+F opens the search in the conversation, because that of the browser finds only rendered messages. */
function useSearchKey(field: RefObject<HTMLInputElement | null>, onOpen: () => void): void {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    const isFind = event.key === 'f' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey
    if (!isFind || document.querySelector('[role=dialog]') || document.activeElement === field.current) return
    event.preventDefault()
    if (field.current) field.current.select()
    else onOpen()
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKeyDown(event)
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}

/** Height of a message that has not been shown yet, in CSS pixels. */
const estimatedHeight = 160
/** Space below each message, as in the style sheet. */
const rowGap = 24

/** Only the messages in view are rendered. Pages are loaded shortly before they scroll into view. */
function LoadedMessages({ thread, avee, actions, isSearching, onSearch, onEditRefused }: MessageListProps) {
  const { conversationId, count, pending, list } = thread
  const { scroller, content, isAtBottom, scrollToBottom, leaveBottom } = useStickToBottom()
  useEffect(() => {
    if (pending) scrollToBottom()
  }, [pending, scrollToBottom])

  const [range, setRange] = useState({ first: count, last: count })
  const messages = useBranchPages(conversationId, list.data, range)
  const virtualizer = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => estimatedHeight,
    // A loaded message has another key than its placeholder, so that rows above the view are measured before they move
    // it.
    getItemKey: useCallback((position: number) => messages.get(position)?.id ?? position, [messages]),
    initialOffset: () => count * estimatedHeight,
    overscan: 4,
  })
  const rows = virtualizer.getVirtualItems()
  const first = Math.max(0, (rows[0]?.index ?? count) - pageSize / 2)
  const end = (rows.at(-1)?.index ?? count) + pageSize / 2
  // Rounded to pages, so that not every row that scrolls into view rerenders the list.
  const wanted = { first: first - (first % pageSize), last: end - (end % pageSize) }
  if (wanted.first !== range.first || wanted.last !== range.last) setRange(wanted)

  const [search, setSearch] = useState<{ query: string; current: Match | undefined }>()
  const [target, setTarget] = useState<Match>()
  const show = useCallback(
    (match: Match) => {
      leaveBottom()
      setTarget(match)
    },
    [leaveBottom],
  )
  useLinkedMessage(thread, show)
  useJump(scroller, target, {
    find: ({ position, message_id }) => {
      // Repeated for each frame, because a delayed scroll event at the bottom would follow the bottom again.
      leaveBottom()
      const message = articleAt(scroller.current, position)
      if (!message || messages.get(position)?.id !== message_id) {
        virtualizer.scrollToIndex(position, { align: 'start' })
        return undefined
      }
      return (search && firstMatchIn(message, search.query)) ?? message
    },
    scrollTo: (offset) => virtualizer.scrollToOffset(offset),
    onEnd: (hasArrived) => {
      if (hasArrived && !isSearching)
        articleAt(scroller.current, target?.position)?.focus({ preventScroll: true })
      setTarget(undefined)
    },
  })
  const isOpen = isSearching && conversationId !== undefined
  useMatchHighlights(scroller, isOpen ? search?.query : undefined, search?.current?.position)
  const searchField = useRef<HTMLInputElement>(null)
  useSearchKey(searchField, () => onSearch(true))

  const start = rows[0]?.start ?? 0
  const rest = virtualizer.getTotalSize() - (rows.at(-1)?.end ?? 0)
  return (
    <div className="thread-view">
      {isOpen && (
        <MessageSearch
          conversationId={conversationId}
          field={searchField}
          from={virtualizer.range?.endIndex ?? count}
          onShow={(query, current) => {
            setSearch({ query, current })
            if (current) show(current)
          }}
          onClose={() => {
            onSearch(false)
            articleAt(scroller.current, search?.current?.position)?.focus({ preventScroll: true })
          }}
        />
      )}
      <div className="thread" ref={scroller}>
        <div className="thread-column" ref={content}>
          <h2 className="visually-hidden">{t('Conversation')}</h2>
          <div role="feed" aria-label={t('Messages')}>
            <div style={{ height: start }} />
            {rows.map(({ key, index }) => (
              <div key={key} data-index={index} ref={virtualizer.measureElement} className="thread-row">
                <MessageRow
                  message={messages.get(index)}
                  position={index}
                  count={count}
                  avee={avee}
                  isLast={index === count - 1 && !pending}
                  isBusy={thread.isBusy}
                  actions={actions}
                />
              </div>
            ))}
            <div style={{ height: rest }} />
          </div>
          {pending && (
            <PendingTurnView pending={pending} avee={avee} thread={thread} onEdit={onEditRefused} />
          )}
        </div>
      </div>
      {!isAtBottom && (
        <div className="thread-jumps">
          {rows[0] && rows[0].index > 0 && (
            <IconButton
              label={t('Jump to start')}
              icon={ArrowUpToLine}
              hint={false}
              onClick={() => {
                leaveBottom()
                virtualizer.scrollToIndex(0)
              }}
            />
          )}
          <IconButton label={t('Scroll to bottom')} icon={ArrowDown} hint={false} onClick={scrollToBottom} />
        </div>
      )}
      {thread.runningRun && (
        <RefreshAnswer runId={thread.runningRun} name={avee.display_name} onRefresh={actions.refresh} />
      )}
    </div>
  )
}
