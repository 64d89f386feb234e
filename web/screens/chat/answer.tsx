import { Check, Copy, RotateCcw } from 'lucide-react'
import { memo, useEffect, useEffectEvent, useMemo, useRef } from 'react'
import { Link } from 'wouter'
import type { Avee } from '../../../contract/avees.ts'
import type { Citation, Message } from '../../../contract/messages.ts'
import { type Answer, answerFold, errorText } from '../../api/index.ts'
import { useIsAdmin, useIsConnectionLost, useIsVisitor, useRun } from '../../api/react.tsx'
import { placeOf } from '../../documents/place-of.ts'
import { t, useLanguage } from '../../languages/index.ts'
import { Button, IconButton, Spinner } from '../../ui/button.tsx'
import { useCopy } from '../../ui/copy.ts'
import { Markdown, type References } from '../../ui/markdown/markdown.tsx'
import { notifyInBackground } from '../../ui/notifications.ts'
import { Notice } from '../../ui/state.tsx'
import { AnswerDetails } from './answer-details.tsx'
import { AnswerSteps } from './answer-steps.tsx'
import { AskOwner } from './ask-owner.tsx'
import { AveeAvatar } from './avee-avatar.tsx'
import { FeedbackButtons } from './feedback-buttons.tsx'
import { FollowUps } from './follow-ups.tsx'
import type { MessageActions } from './message-actions.ts'
import { articleAttributes, type MessagePlace } from './message-place.ts'
import { hiddenCitationTexts, Sources } from './sources.tsx'
import { ToolApproval } from './tool-approval.tsx'
import { UsedMemories } from './used-memories.tsx'
import { VersionSwitcher } from './version-switcher.tsx'
import './answer.css'
import './message-actions.css'

/** An answer: streamed from its run while it is running, read from the stored message afterwards. */
export const AnswerView = memo(function AnswerView({
  message,
  avee,
  position,
  count,
  isLast,
  isBusy,
  actions,
}: MessagePlace & {
  message: Message
  avee: Avee
  isLast: boolean
  isBusy: boolean
  actions: MessageActions
}) {
  useLanguage()
  const isRunning = message.status === 'streaming'
  const run = useRun(isRunning ? message.run_id : undefined, answerFold)
  const answer = run?.value
  const isOver = run?.connection === 'ended' || run?.connection === 'refused'
  const text =
    isRunning && answer && answer.text.length >= message.content.length ? answer.text : message.content
  const citations = answer && answer.citations.length > 0 ? answer.citations : message.citations
  const references = useReferences(citations, text, isRunning, actions)
  const toolCalls = (isRunning ? answer?.toolCalls : undefined) ?? message.tool_calls ?? []
  const waiting = isRunning ? toolCalls.filter(({ status }) => status === 'needs_approval') : []

  return (
    <article
      className="answer"
      aria-label={t('Answer from {name}', { name: avee.display_name })}
      aria-busy={isRunning}
      {...articleAttributes({ position, count })}
    >
      <AnswerHead avee={avee} />
      <div className="answer-body">
        <AnswerSteps
          reasoning={(isRunning ? answer?.reasoning : message.reasoning) ?? ''}
          toolCalls={toolCalls.filter((call) => !waiting.includes(call))}
          isThinking={isRunning && text === ''}
        />
        {text && <Markdown text={text} references={references} />}
        {message.run_id !== null &&
          waiting.map((call) => (
            <ToolApproval
              key={call.call_id}
              call={call}
              runId={message.run_id ?? ''}
              name={avee.display_name}
            />
          ))}
        {isRunning && !isOver && waiting.length === 0 && (
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
            {isLast && !isBusy && isComplete(message) && <FollowUps message={message} onAsk={actions.ask} />}
          </>
        )}
      </div>
    </article>
  )
})

export function AnswerHead({ avee }: { avee: Avee }) {
  return (
    <div className="answer-head">
      <AveeAvatar avee={avee} size={26} />
      <span dir="auto">{avee.is_library ? t('Your library') : avee.display_name}</span>
    </div>
  )
}

/** Shows why an answer has no text yet or is paused. */
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
  const isLost = useIsConnectionLost()
  if (hasText && !isReconnecting && !isLost) return <span className="caret" aria-hidden />
  return (
    <p className="waiting" role="status">
      {!isLost && <Spinner size={16} />}
      <span>
        {isLost
          ? t('Waiting for the connection')
          : isReconnecting
            ? t('Reconnecting…')
            : (answer?.waitingFor ?? message ?? t('Thinking…'))}
      </span>
    </p>
  )
}

function useReferences(
  citations: Citation[],
  text: string,
  isRunning: boolean,
  actions: MessageActions,
): References {
  // The references must be stable while text is streamed, because each change rerenders all paragraphs.
  const textRef = useRef(text)
  useEffect(() => {
    textRef.current = text
  })
  return useMemo(() => {
    const byNumber = new Map(citations.map((citation) => [citation.n, citation]))
    return {
      isKnown: (n) => byNumber.has(n) || (isRunning && byNumber.size === 0),
      titleOf: (n) => titleOf(byNumber.get(n)),
      openerOf: (n) =>
        byNumber.get(n)?.status === 'available'
          ? () => actions.openCitation(citations, n, textRef.current)
          : undefined,
    }
  }, [citations, isRunning, actions])
}

function titleOf(citation: Citation | undefined): string | undefined {
  if (!citation || citation.status !== 'available') return citation && t(hiddenCitationTexts[citation.status])
  const { title, filename, page } = citation
  return page === null ? title : `${title}, ${placeOf({ filename, page })}`
}

/** Explains an answer that failed, was stopped or was truncated, and offers the next steps. */
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
  const isAdmin = useIsAdmin()
  const retryButton = (
    <Button small icon={RotateCcw} disabled={isBusy} onClick={() => actions.regenerate(message.id)}>
      {t('Regenerate')}
    </Button>
  )
  const continueButton = isLast && message.content !== '' && (
    <Button small disabled={isBusy} onClick={() => actions.continueAnswer(message.id)}>
      {t('Continue')}
    </Button>
  )
  if (message.status === 'failed') {
    return (
      <Notice
        kind="bad"
        actions={
          <div className="notice-actions">
            {continueButton}
            {retryButton}
          </div>
        }
      >
        {failureText(message.error, isAdmin)}
      </Notice>
    )
  }
  if (message.status === 'stopped') {
    return (
      <Notice
        actions={
          <div className="notice-actions">
            {continueButton}
            {retryButton}
          </div>
        }
      >
        {t('You stopped this answer.')}
      </Notice>
    )
  }
  if (message.finish_reason === 'length') {
    return (
      <Notice actions={<div className="notice-actions">{continueButton}</div>}>
        {t('The model reached its output limit. The answer is incomplete.')}
      </Notice>
    )
  }
  return null
}

/** Errors of a model service that only an administrator can resolve. */
const operatorErrors =
  /^(?:unreachable|ollama_away|openai_not_configured|no_first_token|not_sse|bad_json|upstream_error|model_not_found|http_\d+)$/

function failureText(error: Message['error'], isAdmin: boolean): string {
  if (error && !isAdmin && operatorErrors.test(error.code))
    return t(
      'The language model is not available. Try again later. If it stays unavailable, contact the administrator of this server.',
    )
  return error ? errorText(error) : t('The answer could not be completed.')
}

/** Whether a message is a reply from the avee's owner. */
const isOwnerReply = (message: Message): boolean => message.status === 'complete' && message.model === null
/** Whether a message is a complete answer of a model. */
const isComplete = (message: Message): boolean => message.status === 'complete' && message.model !== null

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
  const isAdmin = useIsAdmin()
  const isVisitor = useIsVisitor()
  return (
    <div className="message-actions">
      <VersionSwitcher message={message} isBusy={isBusy} onShow={actions.showBranch} />
      {message.content && (
        <IconButton
          label={isCopied ? t('Copied') : t('Copy answer')}
          icon={isCopied ? Check : Copy}
          small
          onClick={() => copy(message.content)}
        />
      )}
      {isComplete(message) && !isVisitor && (
        <>
          <FeedbackButtons message={message} avee={avee} />
          <AskOwner message={message} avee={avee} />
        </>
      )}
      {!isOwnerReply(message) && (
        <IconButton
          label={t('Regenerate')}
          icon={RotateCcw}
          small
          disabled={isBusy}
          onClick={() => actions.regenerate(message.id)}
        />
      )}
      <AnswerDetails
        message={message}
        isBusy={isBusy}
        canChooseModel={avee.is_owner}
        onRegenerate={(model) => actions.regenerate(message.id, model)}
      />
      {isAdmin && message.model === 'extractive' && (
        <Link href="/model" className="answer-details">
          {t('Add a language model')}
        </Link>
      )}
    </div>
  )
}

/**
 * Reloads the stored message, with its citations, at the first word of its run and when the run has ended. Also
 * notifies users of the end while the page is hidden.
 */
export function RefreshAnswer({
  runId,
  name,
  onRefresh,
}: {
  runId: string
  name: string
  onRefresh: () => void
}) {
  const run = useRun(runId, answerFold)
  const isOver = run?.connection === 'ended' || run?.connection === 'refused'
  const hasText = run?.value.phase === 'writing'
  useEffect(() => {
    if (isOver || hasText) onRefresh()
  }, [isOver, hasText, onRefresh])
  const notify = useEffectEvent(() => {
    const body = run?.value.text.slice(0, 140) || t('Open the conversation to see what happened.')
    void notifyInBackground(t('Answer from {name}', { name }), { body, tag: runId })
  })
  useEffect(() => {
    if (isOver) notify()
  }, [isOver])
  return null
}
