import { ArrowDown, CircleAlert } from 'lucide-react'
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { Button, IconButton, Spinner } from '../../ui/button.tsx'
import { ErrorState, Skeleton } from '../../ui/state.tsx'
import { AnswerHead, AnswerView, Waiting } from './answer.tsx'
import type { MessageActions } from './message-actions.ts'
import { QuestionBubble, QuestionView } from './question.tsx'
import type { PendingTurn } from './turns.ts'
import { useStickToBottom } from './use-stick-to-bottom.ts'
import type { Thread } from './use-thread.ts'

/** The conversation from top to bottom; earlier messages come when one scrolls up. */
export function ThreadView({
  thread,
  avee,
  place,
  actions,
  empty,
  onEditRefused,
}: {
  thread: Thread
  avee: Avee
  /** What is shown, for the scroll position. */
  place: string
  actions: MessageActions
  /** Shown while there is no message. */
  empty: ReactNode
  onEditRefused: (question: string) => void
}) {
  const { messages, pending, list, isBusy } = thread
  const { scroller, content, isAtEnd, toEnd } = useStickToBottom(place)
  const isLoading = list.isPending && list.isEnabled
  const hasFailed = list.isError && !list.data
  const isEmpty = !isLoading && !hasFailed && messages.length === 0 && !pending
  useKeepPlace(scroller, messages[0]?.id, place)
  // Whoever asks wants to see the answer.
  useEffect(() => {
    if (pending) toEnd()
  }, [pending, toEnd])

  return (
    <div className="thread-frame">
      <div className="thread" ref={scroller}>
        <div className="thread-column" ref={content}>
          <h2 className="visually-hidden">Conversation</h2>
          {isLoading && <ThreadSkeleton />}
          {hasFailed && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
          {isEmpty && empty}
          {list.hasNextPage && (
            <Earlier
              isLoading={list.isFetchingNextPage}
              onWanted={() => {
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
      {!isAtEnd && (
        <IconButton
          className="jump"
          label="Jump to the latest"
          icon={ArrowDown}
          hint={false}
          onClick={toEnd}
        />
      )}
      <AnswerStatus thread={thread} />
    </div>
  )
}

/** A turn on its way to the server, or refused by it. */
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
          sentence={error?.message ?? 'That did not work.'}
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
              {...(phase === 'waiting-for-documents' ? { message: 'Reading your documents first' } : {})}
            />
          </div>
        </article>
      )}
    </>
  )
}

/** A turn that the server refused, where it would have been. */
function RefusedTurn({ sentence, actions }: { sentence: string; actions: ReactNode }) {
  return (
    <div className="refused" role="alert">
      <p>
        <CircleAlert size={16} aria-hidden />
        {sentence}
      </p>
      <div className="notice-actions">{actions}</div>
    </div>
  )
}

/** Loads what is above as soon as it comes near; the button is for keyboards. */
function Earlier({ isLoading, onWanted }: { isLoading: boolean; onWanted: () => void }) {
  const mark = useRef<HTMLDivElement>(null)
  const wanted = useRef(onWanted)
  useEffect(() => {
    wanted.current = onWanted
  })
  useEffect(() => {
    if (!mark.current || isLoading) return
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) wanted.current()
      },
      { root: mark.current.closest('.thread'), rootMargin: '800px 0px 0px' },
    )
    observer.observe(mark.current)
    return () => observer.disconnect()
  }, [isLoading])
  return (
    <div className="earlier" ref={mark}>
      {isLoading ? (
        <Spinner label="Loading earlier messages" />
      ) : (
        <Button small variant="quiet" onClick={onWanted}>
          Earlier messages
        </Button>
      )}
    </div>
  )
}

/** What was in sight stays in sight when messages come in above it. */
function useKeepPlace(
  scroller: React.RefObject<HTMLDivElement | null>,
  firstId: string | undefined,
  place: string,
): void {
  const former = useRef({ firstId, place, height: 0 })
  useLayoutEffect(() => {
    const box = scroller.current
    if (!box) return
    const { firstId: formerFirst, place: formerPlace, height } = former.current
    if (formerFirst && firstId !== formerFirst && place === formerPlace && box.scrollHeight > height)
      box.scrollTop += box.scrollHeight - height
    former.current = { firstId, place, height: box.scrollHeight }
  })
}

/** Tells those who listen that an answer has begun or ended, without reading every word out. */
function AnswerStatus({ thread }: { thread: Thread }) {
  const last = thread.messages.at(-1)
  const words = thread.isBusy
    ? 'The answer is being written.'
    : last?.role === 'assistant' && last.status === 'complete'
      ? 'The answer is complete.'
      : ''
  return (
    <p className="visually-hidden" role="status">
      {words}
    </p>
  )
}

function ThreadSkeleton() {
  return (
    <div className="thread-skeleton" role="status" aria-label="Loading the conversation">
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
