import { ArrowUp, Paperclip, Square, X } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, type ReactNode, type Ref, useLayoutEffect, useRef } from 'react'
import { charactersIn } from '../../../contract/characters.ts'
import { describeUpload, UploadIcon } from '../../documents/upload-list.tsx'
import { useUploadQueue, useUploads } from '../../documents/upload-queue-context.tsx'
import { t } from '../../languages/index.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { Tooltip } from '../../ui/tooltip.tsx'
import { tooLongText, useQuestionLimit } from './question-limit.ts'
import './composer.css'

/** The question input. Enter sends, Shift+Enter starts a new line. It grows with the text up to a limit. */
export function Composer({
  label,
  value,
  onChange,
  onAsk,
  onStop,
  onAttach,
  onAttachText,
  tools,
  uploadsOf,
  ref,
}: {
  /** Says who is asked. */
  label: string
  value: string
  onChange: (text: string) => void
  onAsk: () => void
  /** Set while an answer is running. */
  onStop: (() => void) | undefined
  onAttach: (() => void) | undefined
  /** Adds a text that is too long for a question as a document. */
  onAttachText: ((text: string) => void) | undefined
  /** Controls below the input. */
  tools: ReactNode
  /** The id of the avee whose uploads are listed above the input. */
  uploadsOf: string | undefined

  ref: Ref<HTMLTextAreaElement>
}) {
  const input = useRef<HTMLTextAreaElement>(null)
  const length = charactersIn(value)
  const maxQuestion = useQuestionLimit()
  const isTooLong = length > maxQuestion
  const canAsk = value.trim() !== '' && !isTooLong && !onStop

  useLayoutEffect(() => {
    const textarea = input.current
    if (!textarea) return
    textarea.style.height = 'auto'
    textarea.style.height = `${textarea.scrollHeight}px`
  }, [value])

  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (canAsk) onAsk()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    if (canAsk) onAsk()
  }
  return (
    <div className="composer-frame">
      {uploadsOf && <UploadChips aveeId={uploadsOf} />}
      {isTooLong && (
        <div className="composer-note" role="alert">
          <p>{tooLongText(length, maxQuestion)}</p>
          {onAttachText ? (
            <Button small onClick={() => onAttachText(value)}>
              {t('Add as document')}
            </Button>
          ) : (
            <p>{t('Shorten it to send it.')}</p>
          )}
        </div>
      )}
      <form className="composer" onSubmit={submit}>
        <textarea
          ref={(textarea) => {
            input.current = textarea
            if (typeof ref === 'function') ref(textarea)
            else if (ref) ref.current = textarea
          }}
          rows={1}
          dir="auto"
          value={value}
          placeholder={label}
          aria-label={label}
          aria-invalid={isTooLong || undefined}
          enterKeyHint="send"
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className="composer-tools">
          {onAttach && <IconButton label={t('Add documents')} icon={Paperclip} onClick={onAttach} />}
          {tools}
        </div>
        {length > maxQuestion * 0.9 && !isTooLong && (
          <span className="composer-count" role="status">
            {length} / {maxQuestion}
          </span>
        )}
        {onStop ? (
          <Tooltip text={t('Stop')}>
            <button type="button" className="composer-send" aria-label={t('Stop answer')} onClick={onStop}>
              <Square size={14} fill="currentColor" aria-hidden />
            </button>
          </Tooltip>
        ) : (
          <button type="submit" className="composer-send" aria-label={t('Ask')} disabled={!canAsk}>
            <ArrowUp size={18} aria-hidden />
          </button>
        )}
      </form>
    </div>
  )
}

/** Recent uploads, until they are dismissed. */
function UploadChips({ aveeId }: { aveeId: string }) {
  const uploads = useUploadQueue()
  const list = useUploads().filter((upload) => upload.aveeId === aveeId)
  if (list.length === 0) return null
  return (
    <ul className="upload-chips" aria-label={t('Uploads')}>
      {list.map((upload) => (
        <li key={upload.id} className="upload-chip">
          <UploadIcon upload={upload} />
          <span className="upload-chip-text">
            <span className="truncate">{upload.name || t('Document')}</span>
            <small className={upload.phase === 'failed' ? 'field-error' : 'soft'}>
              {describeUpload(upload)}
            </small>
          </span>
          {upload.phase !== 'processing' && upload.phase !== 'sending' && (
            <IconButton
              label={t('Dismiss {name}', { name: upload.name })}
              icon={X}
              small
              hint={false}
              onClick={() => uploads.dismiss(upload.id)}
            />
          )}
        </li>
      ))}
    </ul>
  )
}
