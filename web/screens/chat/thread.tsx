import { type ReactNode, Suspense } from 'react'
import { t } from '../../languages/index.ts'
import { onDemand, ScreenBoundary } from '../../shell/screen-boundary.tsx'
import type { MessageListProps } from './message-list.tsx'
import { ThreadSkeleton } from './thread-skeleton.tsx'
import type { Thread } from './use-thread.ts'
import './thread.css'

/** Loads the message list on demand, because a new chat has no messages. */
export const loadMessageList = async () => (await import('./message-list.tsx')).MessageList
const MessageList = onDemand(loadMessageList)

/** The messages of a conversation, or `empty` while it has none. */
export function ThreadView({
  chatKey,
  empty,
  ...props
}: MessageListProps & {
  /** Identifies the chat. A different chat starts at its end. */
  chatKey: string
  empty: ReactNode
}) {
  const { count, pending, list } = props.thread
  const isEmpty = (list.isSuccess || !list.isEnabled) && count === 0 && !pending
  return (
    <div className="thread-frame">
      {isEmpty ? (
        <Frame>{empty}</Frame>
      ) : (
        <ScreenBoundary>
          <Suspense
            fallback={
              <Frame>
                <ThreadSkeleton />
              </Frame>
            }
          >
            <MessageList key={chatKey} {...props} />
          </Suspense>
        </ScreenBoundary>
      )}
      <AnswerStatus thread={props.thread} />
    </div>
  )
}

function Frame({ children }: { children: ReactNode }) {
  return (
    <div className="thread">
      <div className="thread-column">
        <h2 className="visually-hidden">{t('Conversation')}</h2>
        {children}
      </div>
    </div>
  )
}

/** Announces the start and end of an answer to screen readers, instead of every word. */
function AnswerStatus({ thread }: { thread: Thread }) {
  const { last } = thread
  const isWaiting = thread.pending?.phase === 'queued'
  const status = thread.isBusy
    ? isWaiting
      ? ''
      : t('Answer in progress.')
    : last?.role === 'assistant' && last.status === 'complete'
      ? t('Answer complete.')
      : ''
  return (
    <p className="visually-hidden" role="status">
      {status}
    </p>
  )
}
