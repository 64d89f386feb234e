import { ArrowUp, Paperclip, Square, X } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, type ReactNode, type Ref, useLayoutEffect, useRef } from 'react'
import { charactersIn, maxQuestion } from '../../../contract/limits.ts'
import { describeUpload, UploadIcon } from '../../documents/upload-list.tsx'
import { useAveeUploads, useUploadQueue } from '../../documents/upload-queue-context.tsx'
import { IconButton } from '../../ui/button.tsx'
import { Tooltip } from '../../ui/tooltip.tsx'

/** The question box. Enter asks, Shift and Enter begins a line; it grows with the text up to a limit. */
export function Composer({
  name,
  value,
  onChange,
  onAsk,
  onStop,
  onAttach,
  uploadsOf,
  note,
  ref,
}: {
  /** Who is asked. */
  name: string
  value: string
  onChange: (text: string) => void
  onAsk: () => void
  /** Set while an answer is being written. */
  onStop: (() => void) | undefined
  onAttach: (() => void) | undefined
  /** The avee whose uploads are shown above the box. */
  uploadsOf: string | undefined
  note?: ReactNode
  ref: Ref<HTMLTextAreaElement>
}) {
  const box = useRef<HTMLTextAreaElement>(null)
  const length = charactersIn(value)
  const tooLong = length > maxQuestion
  const canAsk = value.trim() !== '' && !tooLong && !onStop

  useLayoutEffect(() => {
    const area = box.current
    if (!area) return
    area.style.height = 'auto'
    area.style.height = `${area.scrollHeight}px`
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
    <div className="composer-place">
      {uploadsOf && <UploadChips aveeId={uploadsOf} />}
      <form className="composer" onSubmit={submit}>
        {onAttach && <IconButton label="Add documents" icon={Paperclip} onClick={onAttach} />}
        <textarea
          ref={(area) => {
            box.current = area
            if (typeof ref === 'function') ref(area)
            else if (ref) ref.current = area
          }}
          rows={1}
          value={value}
          placeholder={`Ask ${name}`}
          aria-label={`Your question to ${name}`}
          aria-invalid={tooLong || undefined}
          enterKeyHint="send"
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {length > maxQuestion * 0.9 && (
          <span className={tooLong ? 'composer-count field-error' : 'composer-count'} role="status">
            {length} / {maxQuestion}
          </span>
        )}
        {onStop ? (
          <Tooltip text="Stop">
            <button type="button" className="composer-send" aria-label="Stop the answer" onClick={onStop}>
              <Square size={14} fill="currentColor" aria-hidden />
            </button>
          </Tooltip>
        ) : (
          <button type="submit" className="composer-send" aria-label="Ask" disabled={!canAsk}>
            <ArrowUp size={18} aria-hidden />
          </button>
        )}
      </form>
      <p className="composer-note">{note}</p>
    </div>
  )
}

/** The documents that were just given, until they are dismissed. */
function UploadChips({ aveeId }: { aveeId: string }) {
  const uploads = useUploadQueue()
  const list = useAveeUploads(aveeId).filter((upload) => upload.aveeId === aveeId)
  if (list.length === 0) return null
  return (
    <ul className="chips" aria-label="Documents on their way">
      {list.map((upload) => (
        <li key={upload.id} className="chip">
          <UploadIcon upload={upload} />
          <span className="chip-text">
            <span className="truncate">{upload.name || 'Document'}</span>
            <small className={upload.phase === 'failed' ? 'field-error' : 'soft'}>
              {describeUpload(upload)}
            </small>
          </span>
          {upload.phase !== 'reading' && upload.phase !== 'sending' && (
            <IconButton
              label={`Dismiss ${upload.name}`}
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
