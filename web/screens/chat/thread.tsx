import { ArrowDown, CircleAlert } from 'lucide-react'
import { type ReactNode, useEffect, useEffectEvent, useLayoutEffect, useRef } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { Button, IconButton, Spinner } from '../../ui/button.tsx'
import { ErrorState, Skeleton } from '../../ui/state.tsx'
import { AnswerHead, AnswerView, Waiting } from './answer.tsx'
import type { MessageActions } from './message-actions.ts'
import { QuestionBubble, QuestionView } from './question.tsx'
import type { PendingTurn } from './turns.ts'
import { useStickToBottom } from './use-stick-to-bottom.ts'
import type { Thread } from './use-thread.ts'
import './thread.css'

/** The messages of a conversation. Scrolling up loads earlier ones. */
export function ThreadView({
  thread,
  avee,
  chatKey,
  actions,
  empty,
  onEditRefused,
}: {
  thread: Thread
  avee: Avee
  /** Identifies the chat shown. Another one starts at its end. */
  chatKey: string
  actions: MessageActions
  /** Shown while there is no message. */
  empty: ReactNode
  onEditRefused: (question: string) => void
}) {
  const { messages, pending, list, isBusy } = thread
  const { scroller, content, isAtBottom, scrollToBottom } = useStickToBottom(chatKey)
  const isLoading = list.isPending && list.isEnabled
  const hasFailed = list.isError && !list.data
  const isEmpty = !isLoading && !hasFailed && messages.length === 0 && !pending
  useKeepScrollPosition(scroller, messages[0]?.id, chatKey)
  useEffect(() => {
    if (pending) scrollToBottom()
  }, [pending, scrollToBottom])

  return (
    <div className="thread-frame">
      <div className="thread" ref={scroller}>
        <div className="thread-column" ref={content}>
          <h2 className="visually-hidden">Conversation</h2>
          {isLoading && <ThreadSkeleton />}
          {hasFailed && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
          {isEmpty && empty}
          {list.hasNextPage && (
            <EarlierMessages
              isLoading={list.isFetchingNextPage}
              onLoad={() => {
                if (!list.isFetchingNextPage) void list.fetchNextPage()
              }}
            />
          )}
          {messages.map((message, i) =>
            message.role === 'user' ? (
              <QuestionView key={message.id} message={message} isBusy={isBusy} actions={actions} />
            ) : (
              <AnswerView
                key={message.id}
                message={message}
                avee={avee}
                isLast={i === messages.length - 1 && !pending}
                isBusy={isBusy}
                actions={actions}
              />
            ),
          )}
          {pending && (
            <PendingTurnView pending={pending} avee={avee} thread={thread} onEdit={onEditRefused} />
          )}
        </div>
      </div>
      {!isAtBottom && (
        <IconButton
          className="scroll-to-bottom"
          label="Scroll to bottom"
          icon={ArrowDown}
          hint={false}
          onClick={scrollToBottom}
        />
      )}
      <AnswerStatus thread={thread} />
    </div>
  )
}

/** A turn that is being sent to the server, or that the server refused. */
function PendingTurnView({
  pending,
  avee,
  thread,
  onEdit,
}: {
  pending: PendingTurn
  avee: Avee
  thread: Thread
  onEdit: (question: string) => void
}) {
  const { turn, phase, error } = pending
  return (
    <>
      {turn.kind !== 'regenerate' && (
        <div className="question-row">
          <QuestionBubble text={turn.question} />
        </div>
      )}
      {phase === 'refused' ? (
        <RefusedTurn
          message={error?.message ?? 'The question could not be sent.'}
          actions={
            <>
              <Button small onClick={() => thread.send(turn)}>
                Try again
              </Button>
              {turn.kind === 'regenerate' ? (
                <Button small variant="quiet" onClick={thread.dismissPending}>
                  Dismiss
                </Button>
              ) : (
                <Button small variant="quiet" onClick={() => onEdit(turn.question)}>
                  Edit
                </Button>
              )}
            </>
          }
        />
      ) : (
        <article className="answer" aria-busy>
          <AnswerHead avee={avee} />
          <div className="answer-body">
            <Waiting
              {...(phase === 'waiting-for-documents' ? { message: 'Processing your documents…' } : {})}
            />
          </div>
        </article>
      )}
    </>
  )
}

/** The error of a turn that the server refused, with its actions. */
function RefusedTurn({ message, actions }: { message: string; actions: ReactNode }) {
  return (
    <div className="refused-turn" role="alert">
      <p>
        <CircleAlert size={16} aria-hidden />
        {message}
      </p>
      <div className="notice-actions">{actions}</div>
    </div>
  )
}

/** Loads earlier messages before they scroll into view. The button is for keyboards. */
function EarlierMessages({ isLoading, onLoad }: { isLoading: boolean; onLoad: () => void }) {
  const sentinel = useRef<HTMLDivElement>(null)
  const load = useEffectEvent(onLoad)
  useEffect(() => {
    if (!sentinel.current || isLoading) return
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) load()
      },
      { root: sentinel.current.closest('.thread'), rootMargin: '800px 0px 0px' },
    )
    observer.observe(sentinel.current)
    return () => observer.disconnect()
  }, [isLoading])
  return (
    <div className="earlier-messages" ref={sentinel}>
      {isLoading ? (
        <Spinner label="Loading earlier messages" />
      ) : (
        <Button small variant="quiet" onClick={onLoad}>
          Load earlier messages
        </Button>
      )}
    </div>
  )
}

/** Keeps the visible messages in place when earlier ones are added above them. */
function useKeepScrollPosition(
  scroller: React.RefObject<HTMLDivElement | null>,
  firstId: string | undefined,
  chatKey: string,
): void {
  const previous = useRef({ firstId, chatKey, height: 0 })
  useLayoutEffect(() => {
    const element = scroller.current
    if (!element) return
    const { firstId: previousFirst, chatKey: previousKey, height } = previous.current
    if (
      previousFirst &&
      firstId !== previousFirst &&
      chatKey === previousKey &&
      element.scrollHeight > height
    )
      element.scrollTop += element.scrollHeight - height
    previous.current = { firstId, chatKey, height: element.scrollHeight }
  })
}

/** Announces the start and end of an answer to screen readers, rather than every word. */
function AnswerStatus({ thread }: { thread: Thread }) {
  const last = thread.messages.at(-1)
  const status = thread.isBusy
    ? 'Answer in progress.'
    : last?.role === 'assistant' && last.status === 'complete'
      ? 'Answer complete.'
      : ''
  return (
    <p className="visually-hidden" role="status">
      {status}
    </p>
  )
}

function ThreadSkeleton() {
  return (
    <div className="thread-skeleton" role="status" aria-label="Loading conversation">
      <div className="question-row">
        <Skeleton width="45%" height="2.75rem" />
      </div>
      <Skeleton width="30%" height="1.6rem" />
      <Skeleton width="94%" />
      <Skeleton width="88%" />
      <Skeleton width="91%" />
      <Skeleton width="40%" />
    </div>
  )
}
