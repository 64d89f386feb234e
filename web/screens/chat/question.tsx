import { Check, Copy, Pencil } from 'lucide-react'
import { type KeyboardEvent, memo, useState } from 'react'
import { charactersIn } from '../../../contract/characters.ts'
import type { Message } from '../../../contract/messages.ts'
import { t, useLanguage } from '../../languages/index.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { useCopy } from '../../ui/copy.ts'
import { formatFullTime } from '../../ui/format.ts'
import { useDraftState } from '../../ui/use-draft-state.ts'
import type { MessageActions } from './message-actions.ts'
import { articleAttributes, type MessagePlace } from './message-place.ts'
import { QuestionFiles } from './question-files.tsx'
import { tooLongText, useQuestionLimit } from './question-limit.ts'
import { VersionSwitcher } from './version-switcher.tsx'
import './question.css'
import './message-actions.css'

/** A question the user asked. It can be edited. */
export const QuestionView = memo(function QuestionView({
  message,
  position,
  count,
  isBusy,
  actions,
}: MessagePlace & {
  message: Message
  isBusy: boolean
  actions: MessageActions
}) {
  useLanguage()
  const place = articleAttributes({ position, count })
  const [isEditing, setIsEditing] = useState(false)
  const [isCopied, copy] = useCopy()
  if (isEditing) {
    return (
      <article className="question-row" aria-label={t('Your question')} {...place}>
        <QuestionEditor
          messageId={message.id}
          question={message.content}
          onCancel={() => setIsEditing(false)}
          onSend={(question) => {
            setIsEditing(false)
            actions.edit(message.id, question)
          }}
        />
      </article>
    )
  }
  return (
    <article className="question-row" aria-label={t('Your question')} {...place}>
      <QuestionFiles files={message.attachments} />
      <QuestionBubble text={message.content} title={formatFullTime(message.created_at)} />
      <div className="message-actions">
        <VersionSwitcher message={message} isBusy={isBusy} onShow={actions.showBranch} />
        <IconButton
          label={isCopied ? t('Copied') : t('Copy')}
          icon={isCopied ? Check : Copy}
          small
          onClick={() => copy(message.content)}
        />
        <IconButton
          label={t('Edit question')}
          icon={Pencil}
          small
          disabled={isBusy}
          onClick={() => setIsEditing(true)}
        />
      </div>
    </article>
  )
})

export function QuestionBubble({ text, title }: { text: string; title?: string }) {
  return (
    <div className="question" dir="auto" title={title}>
      {text}
    </div>
  )
}

function QuestionEditor({
  messageId,
  question,
  onCancel,
  onSend,
}: {
  messageId: string
  question: string
  onCancel: () => void
  onSend: (question: string) => void
}) {
  const [{ text }, change, clear] = useDraftState(`edit ${messageId}`, { text: question })
  const cancel = (): void => {
    clear()
    onCancel()
  }
  const send = (): void => {
    clear()
    onSend(text)
  }
  const length = charactersIn(text)
  const maxQuestion = useQuestionLimit()
  const canSend = text.trim() !== '' && length <= maxQuestion
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.preventDefault()
      cancel()
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault()
      if (canSend) send()
    }
  }
  return (
    <div className="question-editor">
      <textarea
        className="input"
        dir="auto"
        aria-label={t('Edit question')}
        value={text}
        rows={Math.min(12, text.split('\n').length + 1)}
        autoFocus
        onChange={(event) => change({ text: event.target.value })}
        onKeyDown={onKeyDown}
        onFocus={(event) => event.target.setSelectionRange(text.length, text.length)}
      />
      <div className="question-editor-actions">
        {length > maxQuestion ? (
          <span className="small field-error" role="alert">
            {tooLongText(length, maxQuestion)}
          </span>
        ) : (
          <span className="small soft">{t('Earlier versions are kept.')}</span>
        )}
        <Button small onClick={cancel}>
          {t('Cancel')}
        </Button>
        <Button small variant="primary" disabled={!canSend} onClick={send}>
          {t('Send')}
        </Button>
      </div>
    </div>
  )
}
