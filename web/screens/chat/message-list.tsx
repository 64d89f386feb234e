import { ArrowDown, CircleAlert } from 'lucide-react'
import { type ReactNode, useEffect, useEffectEvent, useLayoutEffect, useRef } from 'react'
import { useSearchParams } from 'wouter'
import type { Avee } from '../../../contract/avees.ts'
import { Button, IconButton, Spinner } from '../../ui/button.tsx'
import { ErrorState } from '../../ui/state.tsx'
import { AnswerHead, AnswerView, Waiting } from './answer.tsx'
import type { MessageActions } from './message-actions.ts'
import { QuestionBubble, QuestionView } from './question.tsx'
import { ThreadSkeleton } from './thread-skeleton.tsx'
import type { PendingTurn } from './turns.ts'
import { useStickToBottom } from './use-stick-to-bottom.ts'
import type { Thread } from './use-thread.ts'

export type MessageListProps = {
  thread: Thread
  avee: Avee
  /** Identifies the chat shown. Another one starts at its end. */
  chatKey: string
  actions: MessageActions
  onEditRefused: (question: string) => void
}

/** The messages of a conversation. Scrolling up loads earlier ones. */
export function MessageList({ thread, avee, chatKey, actions, onEditRefused }: MessageListProps) {
  const { messages, pending, list, isBusy } = thread
  const { scroller, content, isAtBottom, scrollToBottom } = useStickToBottom(chatKey)
  useKeepScrollPosition(scroller, messages[0]?.id, chatKey)
  useLinkedMessage(thread)
  useEffect(() => {
    if (pending) scrollToBottom()
  }, [pending, scrollToBottom])

  return (
    <>
      <div className="thread" ref={scroller}>
        <div className="thread-column" ref={content}>
          <h2 className="visually-hidden">Conversation</h2>
          {list.isPending && list.isEnabled && <ThreadSkeleton />}
          {list.isError && !list.data && (
            <ErrorState error={list.error} onRetry={() => void list.refetch()} />
          )}
          {list.hasNextPage && (
            <EarlierMessages
              isLoading={list.isFetchingNextPage}
              onLoad={() => {
                if (!list.isFetchingNextPage) void list.fetchNextPage()
              }}
            />
          )}
          {messages.map((message, i) => (
            <div key={message.id} id={anchorOf(message.id)} className="thread-message">
              {message.role === 'user' ? (
                <QuestionView message={message} isBusy={isBusy} actions={actions} />
              ) : (
                <AnswerView
                  message={message}
                  avee={avee}
                  isLast={i === messages.length - 1 && !pending}
                  isBusy={isBusy}
                  actions={actions}
                />
              )}
            </div>
          ))}
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
    </>
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

const anchorOf = (messageId: string): string => `message-${messageId}`

/** Scrolls once to the message that the URL names (`?message=id`), after loading the messages down from it. */
function useLinkedMessage({ messages, list }: Thread): void {
  const [params] = useSearchParams()
  const linked = params.get('message')
  const shown = useRef<string | null>(null)
  const loadEarlier = useEffectEvent(() => {
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
  })
  useEffect(() => {
    if (linked === null || shown.current === linked) return
    const message = document.getElementById(anchorOf(linked))?.firstElementChild
    if (!message) return loadEarlier()
    shown.current = linked
    message.scrollIntoView({ block: 'center' })
  }, [linked, messages])
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
