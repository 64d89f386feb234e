import { Check, Copy, RotateCcw } from 'lucide-react'
import { memo, useEffect, useMemo, useRef } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import type { Citation, Message } from '../../../contract/chat.ts'
import { type Answer, answerFold } from '../../api/index.ts'
import { useRun } from '../../api/react.tsx'
import { Button, IconButton, Spinner } from '../../ui/button.tsx'
import { useCopy } from '../../ui/copy.ts'
import { Markdown, type References } from '../../ui/markdown/markdown.tsx'
import { Avatar, Notice } from '../../ui/state.tsx'
import { AnswerDetails } from './answer-details.tsx'
import { AskOwner } from './ask-owner.tsx'
import { FeedbackButtons } from './feedback-buttons.tsx'
import { FollowUps } from './follow-ups.tsx'
import type { MessageActions } from './message-actions.ts'
import { Sources } from './sources.tsx'
import { UsedMemories } from './used-memories.tsx'
import { VersionSwitcher } from './version-switcher.tsx'

/** An answer: told live by its run while that runs, and by the stored message afterwards. */
export const AnswerView = memo(function AnswerView({
  message,
  avee,
  isLast,
  isBusy,
  actions,
}: {
  message: Message
  avee: Avee
  isLast: boolean
  isBusy: boolean
  actions: MessageActions
}) {
  const isRunning = message.status === 'streaming'
  const run = useRun(isRunning ? message.run_id : undefined, answerFold)
  const answer = run?.value
  const isOver = run?.connection === 'ended' || run?.connection === 'refused'
  const hasWords = answer?.phase === 'writing'
  const { onEnded } = actions

  // At its end, and at its first word, when the passages it rests on are known.
  useEffect(() => {
    if (isRunning && (isOver || hasWords)) onEnded()
  }, [isRunning, isOver, hasWords, onEnded])

  const text =
    isRunning && answer && answer.text.length >= message.content.length ? answer.text : message.content
  const citations = answer && answer.citations.length > 0 ? answer.citations : message.citations
  const references = useReferences(citations, text, isRunning, actions)

  return (
    <article className="answer" aria-label={`Answer of ${avee.display_name}`} aria-busy={isRunning}>
      <AnswerHead avee={avee} />
      <div className="answer-body">
        {text && <Markdown text={text} references={references} />}
        {isRunning && !isOver && (
          <Waiting
            answer={answer}
            isReconnecting={run?.connection === 'reconnecting'}
            hasText={text !== ''}
          />
        )}
        {!isRunning && <AnswerEnd message={message} isLast={isLast} isBusy={isBusy} actions={actions} />}
        {run?.connection === 'refused' && <Notice kind="bad">{run.error?.message}</Notice>}
        {!isRunning && (
          <>
            <Sources
              citations={message.citations}
              onOpen={(n) => actions.openCitation(message.citations, n, message.content)}
            />
            <UsedMemories memories={message.memories} />
            <AnswerActions message={message} avee={avee} isBusy={isBusy} actions={actions} />
            {isLast && !isBusy && isWhole(message) && <FollowUps message={message} onAsk={actions.ask} />}
          </>
        )}
      </div>
    </article>
  )
})

export function AnswerHead({ avee }: { avee: Avee }) {
  return (
    <div className="answer-head">
      <Avatar name={avee.display_name} picture={avee.avatar} size={26} />
      <span>{avee.display_name}</span>
    </div>
  )
}

/** Why there is nothing yet, or nothing new. */
export function Waiting({
  answer,
  isReconnecting,
  hasText,
  message,
}: {
  answer?: Answer | undefined
  isReconnecting?: boolean
  hasText?: boolean
  message?: string
}) {
  const words = isReconnecting
    ? 'The connection is gone; trying again. The answer goes on meanwhile.'
    : (answer?.waitingFor ?? message)
  if (hasText && !isReconnecting) return <span className="caret" aria-hidden />
  return (
    <p className="waiting" role="status">
      <Spinner size={16} />
      <span>{words ?? 'Thinking'}</span>
    </p>
  )
}

function useReferences(
  citations: Citation[],
  text: string,
  isRunning: boolean,
  actions: MessageActions,
): References {
  // The text grows with every word, and what is made of it must not be made anew each time.
  const latest = useRef(text)
  useEffect(() => {
    latest.current = text
  })
  return useMemo(() => {
    const byNumber = new Map(citations.map((citation) => [citation.n, citation]))
    return {
      isKnown: (n) => byNumber.has(n) || (isRunning && byNumber.size === 0),
      titleOf: (n) => titleOf(byNumber.get(n)),
      open: byNumber.size > 0 ? (n) => actions.openCitation(citations, n, latest.current) : undefined,
    }
  }, [citations, isRunning, actions])
}

const titleOf = (citation: Citation | undefined): string | undefined =>
  citation && `${citation.title}${citation.page ? `, page ${citation.page}` : ''}`

/** How an answer ended, when not simply well, and what can be done then. */
function AnswerEnd({
  message,
  isLast,
  isBusy,
  actions,
}: {
  message: Message
  isLast: boolean
  isBusy: boolean
  actions: MessageActions
}) {
  const again = (
    <Button small icon={RotateCcw} disabled={isBusy} onClick={() => actions.regenerate(message.id)}>
      Try again
    </Button>
  )
  const continueAnswer = isLast && message.content !== '' && (
    <Button small disabled={isBusy} onClick={actions.continueAnswer}>
      Continue
    </Button>
  )
  if (message.status === 'failed') {
    return (
      <Notice kind="bad" actions={<div className="notice-actions">{again}</div>}>
        {message.error?.message ?? 'The answer failed.'}
      </Notice>
    )
  }
  if (message.status === 'stopped') {
    return (
      <Notice
        actions={
          <div className="notice-actions">
            {continueAnswer}
            {again}
          </div>
        }
      >
        {message.content ? 'You stopped this answer.' : 'You stopped this answer before it began.'}
      </Notice>
    )
  }
  if (message.finish_reason === 'length') {
    return (
      <Notice actions={<div className="notice-actions">{continueAnswer}</div>}>
        The model ran out of room: the answer is cut here.
      </Notice>
    )
  }
  return null
}

/** What the avee's owner said themselves. */
const isOwners = (message: Message): boolean => message.status === 'complete' && message.model === null
/** A whole answer of a model. */
const isWhole = (message: Message): boolean => message.status === 'complete' && message.model !== null

function AnswerActions({
  message,
  avee,
  isBusy,
  actions,
}: {
  message: Message
  avee: Avee
  isBusy: boolean
  actions: MessageActions
}) {
  const [isCopied, copy] = useCopy()
  return (
    <div className="message-actions">
      <VersionSwitcher message={message} isBusy={isBusy} onShow={actions.showBranch} />
      {message.content && (
        <IconButton
          label={isCopied ? 'Copied' : 'Copy the answer'}
          icon={isCopied ? Check : Copy}
          small
          onClick={() => copy(message.content)}
        />
      )}
      {isWhole(message) && <FeedbackButtons message={message} avee={avee} />}
      {isWhole(message) && <AskOwner message={message} avee={avee} />}
      {!isOwners(message) && (
        <IconButton
          label="Answer again"
          icon={RotateCcw}
          small
          disabled={isBusy}
          onClick={() => actions.regenerate(message.id)}
        />
      )}
      <AnswerDetails
        message={message}
        isBusy={isBusy}
        onRegenerate={(model) => actions.regenerate(message.id, model)}
      />
    </div>
  )
}
