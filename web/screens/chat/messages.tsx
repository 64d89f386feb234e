import { Check, ChevronLeft, ChevronRight, CircleAlert, Copy, Pencil, RotateCcw } from 'lucide-react'
import { type KeyboardEvent, memo, type ReactNode, useEffect, useMemo, useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import type { Citation, Message } from '../../../contract/chat.ts'
import { maxQuestion } from '../../../contract/limits.ts'
import { type Answer, answerFold } from '../../api/index.ts'
import { useRun } from '../../api/react.tsx'
import { Button, IconButton, Spinner } from '../../ui/button.tsx'
import { useCopy } from '../../ui/copy.ts'
import { formatExactly } from '../../ui/format.ts'
import { Markdown, type References } from '../../ui/markdown/markdown.tsx'
import { Avatar, Notice } from '../../ui/state.tsx'
import { ModelNote } from './model-note.tsx'
import { Sources } from './sources.tsx'
import { placeAmong } from './thread-state.ts'

/** What a message can ask for. The same object as long as the conversation is the same. */
export type MessageActions = {
  edit: (messageId: string, question: string) => void
  regenerate: (messageId: string, model?: string) => void
  goOn: () => void
  showBranch: (messageId: string) => void
  openCitation: (citations: Citation[], n: number) => void
  ended: () => void
}

/** A question of the reader's own; it can be put in other words. */
export const QuestionView = memo(function QuestionView({
  message,
  isBusy,
  actions,
}: {
  message: Message
  isBusy: boolean
  actions: MessageActions
}) {
  const [isEditing, setIsEditing] = useState(false)
  const [isCopied, copy] = useCopy()
  if (isEditing) {
    return (
      <div className="question-row">
        <QuestionEditor
          question={message.content}
          onCancel={() => setIsEditing(false)}
          onSend={(question) => {
            setIsEditing(false)
            actions.edit(message.id, question)
          }}
        />
      </div>
    )
  }
  return (
    <div className="question-row">
      <QuestionBubble text={message.content} title={formatExactly(message.created_at)} />
      <div className="message-actions">
        <Alternatives message={message} isBusy={isBusy} onShow={actions.showBranch} />
        <IconButton
          label={isCopied ? 'Copied' : 'Copy'}
          icon={isCopied ? Check : Copy}
          small
          onClick={() => copy(message.content)}
        />
        <IconButton
          label="Edit the question"
          icon={Pencil}
          small
          disabled={isBusy}
          onClick={() => setIsEditing(true)}
        />
      </div>
    </div>
  )
})

export function QuestionBubble({ text, title }: { text: string; title?: string }) {
  return (
    <article className="question" title={title} aria-label="Your question">
      {text}
    </article>
  )
}

function QuestionEditor({
  question,
  onCancel,
  onSend,
}: {
  question: string
  onCancel: () => void
  onSend: (question: string) => void
}) {
  const [text, setText] = useState(question)
  const canSend = text.trim() !== '' && text.length <= maxQuestion
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onCancel()
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault()
      if (canSend) onSend(text)
    }
  }
  return (
    <div className="question-editor">
      <textarea
        className="input"
        aria-label="Your question, in other words"
        value={text}
        rows={Math.min(12, text.split('\n').length + 1)}
        autoFocus
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onFocus={(event) => event.target.setSelectionRange(text.length, text.length)}
      />
      <div className="question-editor-actions">
        <span className="small soft">The first question and what followed are kept.</span>
        <Button small onClick={onCancel}>
          Cancel
        </Button>
        <Button small look="primary" disabled={!canSend} onClick={() => onSend(text)}>
          Ask
        </Button>
      </div>
    </div>
  )
}

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
  const { ended } = actions

  // At its end, and at its first word, when the passages it rests on are known.
  useEffect(() => {
    if (isRunning && (isOver || hasWords)) ended()
  }, [isRunning, isOver, hasWords, ended])

  const text =
    isRunning && answer && answer.text.length >= message.content.length ? answer.text : message.content
  const citations = answer && answer.citations.length > 0 ? answer.citations : message.citations
  const references = useReferences(citations, isRunning, actions)

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
              onOpen={(n) => actions.openCitation(message.citations, n)}
            />
            <AnswerActions message={message} isBusy={isBusy} actions={actions} />
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

function useReferences(citations: Citation[], isRunning: boolean, actions: MessageActions): References {
  return useMemo(() => {
    const byNumber = new Map(citations.map((citation) => [citation.n, citation]))
    return {
      isKnown: (n) => byNumber.has(n) || (isRunning && byNumber.size === 0),
      titleOf: (n) => titleOf(byNumber.get(n)),
      open: byNumber.size > 0 ? (n) => actions.openCitation(citations, n) : undefined,
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
  const goOn = isLast && message.content !== '' && (
    <Button small disabled={isBusy} onClick={actions.goOn}>
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
            {goOn}
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
      <Notice actions={<div className="notice-actions">{goOn}</div>}>
        The model ran out of room: the answer is cut here.
      </Notice>
    )
  }
  return null
}

function AnswerActions({
  message,
  isBusy,
  actions,
}: {
  message: Message
  isBusy: boolean
  actions: MessageActions
}) {
  const [isCopied, copy] = useCopy()
  return (
    <div className="message-actions">
      <Alternatives message={message} isBusy={isBusy} onShow={actions.showBranch} />
      {message.content && (
        <IconButton
          label={isCopied ? 'Copied' : 'Copy the answer'}
          icon={isCopied ? Check : Copy}
          small
          onClick={() => copy(message.content)}
        />
      )}
      <IconButton
        label="Answer again"
        icon={RotateCcw}
        small
        disabled={isBusy}
        onClick={() => actions.regenerate(message.id)}
      />
      <ModelNote
        message={message}
        isBusy={isBusy}
        onRegenerate={(model) => actions.regenerate(message.id, model)}
      />
    </div>
  )
}

/** ‹ 2 / 3 ›: the other wordings of a question, the other answers to it. */
function Alternatives({
  message,
  isBusy,
  onShow,
}: {
  message: Message
  isBusy: boolean
  onShow: (messageId: string) => void
}) {
  const { place, of, before, after } = placeAmong(message)
  if (of < 2) return null
  return (
    <span className="alternatives">
      <IconButton
        label="Earlier version"
        icon={ChevronLeft}
        small
        hint={false}
        disabled={!before || isBusy}
        onClick={() => before && onShow(before)}
      />
      <span>
        <span className="visually-hidden">Version </span>
        {place}/{of}
      </span>
      <IconButton
        label="Later version"
        icon={ChevronRight}
        small
        hint={false}
        disabled={!after || isBusy}
        onClick={() => after && onShow(after)}
      />
    </span>
  )
}

/** A turn that the server refused, where it would have been. */
export function RefusedTurn({ sentence, actions }: { sentence: string; actions: ReactNode }) {
  return (
    <div className="refused" role="alert">
      <CircleAlert size={16} aria-hidden />
      <span>{sentence}</span>
      <div className="notice-actions">{actions}</div>
    </div>
  )
}
