import { ArrowUp, FileText, Library, Paperclip, Square, X } from 'lucide-react'
import {
  type ClipboardEvent,
  type FormEvent,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useLayoutEffect,
  useRef,
} from 'react'
import { isPicture } from '../../../contract/attachments.ts'
import { charactersIn } from '../../../contract/characters.ts'
import { type Document, deleteDocument, getDocumentFile } from '../../../contract/knowledge.ts'
import { useApi } from '../../api/react.tsx'
import { describeUpload, UploadIcon } from '../../documents/upload-list.tsx'
import { documentOf, isInProgress, type Upload } from '../../documents/upload-queue.ts'
import { useUploadQueue, useUploads } from '../../documents/upload-queue-context.tsx'
import { t } from '../../languages/index.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { directionOfText } from '../../ui/field.tsx'
import { formatBytes } from '../../ui/format.ts'
import { Menu, MenuItem } from '../../ui/menu.tsx'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { Tooltip } from '../../ui/tooltip.tsx'
import { DictationButton } from './dictation-button.tsx'
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
  onPickFiles,
  documentPicker,
  tools,
  uploadsOf,
  unsentFiles,
  onRemoved,
  note,
  ref,
}: {
  /** The name of the avee that is asked. */
  label: string
  value: string
  onChange: (text: string) => void
  onAsk: () => void
  /** Set while an answer is running. */
  onStop: (() => void) | undefined
  /** Attaches files to the conversation; undefined for visitors without an account. */
  onAttach: ((files: File[]) => void) | undefined
  /** Opens the file picker for attachments. */
  onPickFiles: () => void
  /** For the owner: opens the file picker for the documents of the avee. */
  documentPicker: { label: string; open: () => void } | undefined
  /** Controls below the input. */
  tools: ReactNode
  /** The ids of the avee and the conversation whose uploads are listed above the input. */
  uploadsOf: (string | undefined)[]
  /** Attachments of the next question that were uploaded before this page was opened. */
  unsentFiles: Document[]
  /** Called when an attachment is removed. */
  onRemoved: (documentId: string) => void
  /** A notice above the input. */
  note: string | undefined
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
  /** Office programs also put a picture of copied text on the clipboard. */
  const onPaste = (event: ClipboardEvent): void => {
    const { files, types } = event.clipboardData
    if (!onAttach || files.length === 0 || types.includes('text/plain')) return
    event.preventDefault()
    onAttach([...files])
  }
  return (
    <div className="composer-frame">
      <UploadChips of={uploadsOf} unsentFiles={unsentFiles} onRemoved={onRemoved} />
      {note && (
        <p className="composer-note" role="status">
          {note}
        </p>
      )}
      {isTooLong && (
        <div className="composer-note" role="alert">
          <p>{tooLongText(length, maxQuestion)}</p>
          {onAttach ? (
            <Button
              small
              onClick={() => {
                onAttach([new File([value], t('Pasted text.txt'), { type: 'text/plain' })])
                onChange('')
                input.current?.focus()
              }}
            >
              {t('Attach the text as a file')}
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
          dir={directionOfText(value)}
          value={value}
          placeholder={label}
          aria-label={label}
          aria-invalid={isTooLong || undefined}
          enterKeyHint="send"
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <div className="composer-tools">
          {onAttach &&
            (documentPicker ? (
              <Menu
                align="start"
                trigger={<IconButton label={t('Add files')} icon={Paperclip} hint={false} />}
              >
                <MenuItem icon={Paperclip} onSelect={onPickFiles}>
                  {t('Attach to this conversation')}
                </MenuItem>
                <MenuItem icon={Library} onSelect={documentPicker.open}>
                  {documentPicker.label}
                </MenuItem>
              </Menu>
            ) : (
              <IconButton label={t('Attach files')} icon={Paperclip} onClick={onPickFiles} />
            ))}
          {tools}
        </div>
        {length > maxQuestion * 0.9 && !isTooLong && (
          <span className="composer-count" role="status">
            {length} / {maxQuestion}
          </span>
        )}
        <DictationButton
          onText={(text) => onChange(`${value}${value && !/\s$/.test(value) ? ' ' : ''}${text.trim()}`)}
        />
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

/** Recent uploads, until they are dismissed, and the attachments of the next question. */
function UploadChips({
  of: [aveeId, conversationId],
  unsentFiles,
  onRemoved,
}: {
  of: (string | undefined)[]
  unsentFiles: Document[]
  onRemoved: (documentId: string) => void
}) {
  const api = useApi()
  const uploads = useUploadQueue()
  const showToast = useToast()
  const list = useUploads().filter(
    (upload) => upload.aveeId !== undefined && [aveeId, conversationId].includes(upload.aveeId),
  )
  if (list.length === 0 && unsentFiles.length === 0) return null
  /** Deletes an attachment; a document is kept. */
  const remove = (upload: Upload): void => {
    const dismiss = () => uploads.dismiss(upload.id)
    const id = documentOf(upload)
    if (upload.aveeId === conversationId && id !== undefined) removeFile(id, dismiss)
    else dismiss()
  }
  const removeFile = (id: string, dismiss?: () => void): void => {
    api
      .call(deleteDocument, { params: { id }, query: {} })
      .then(() => {
        onRemoved(id)
        dismiss?.()
      })
      .catch((error: unknown) => showToast(errorMessage(error), 'bad'))
  }
  return (
    <ul className="upload-chips" aria-label={t('Uploads')}>
      {unsentFiles.map(({ id, title, filename, type, bytes }) => (
        <li key={id} className="upload-chip">
          {isPicture(type) ? <ChipPicture documentId={id} /> : <FileText size={16} aria-hidden />}
          <span className="upload-chip-text">
            <span className="truncate">{filename ?? title}</span>
            <small className="soft">{formatBytes(bytes)}</small>
          </span>
          <IconButton
            label={t('Remove {name}', { name: filename ?? title })}
            icon={X}
            small
            hint={false}
            onClick={() => removeFile(id)}
          />
        </li>
      ))}
      {list.map((upload) => (
        <li key={upload.id} className="upload-chip">
          <ChipIcon upload={upload} />
          <span className="upload-chip-text">
            <span className="truncate">{upload.name || t('Document')}</span>
            <small className={upload.phase === 'failed' ? 'field-error' : 'soft'}>
              {describeUpload(upload)}
            </small>
          </span>
          {isInProgress(upload) ? (
            <IconButton
              label={t('Stop {name}', { name: upload.name })}
              icon={X}
              small
              hint={false}
              onClick={() => void uploads.stop(upload.id)}
            />
          ) : (
            <IconButton
              label={
                upload.aveeId === conversationId
                  ? t('Remove {name}', { name: upload.name })
                  : t('Dismiss {name}', { name: upload.name })
              }
              icon={X}
              small
              hint={false}
              onClick={() => remove(upload)}
            />
          )}
        </li>
      ))}
    </ul>
  )
}

/** The picture, or the state of the upload. */
function ChipIcon({ upload }: { upload: Upload }) {
  const id = upload.phase === 'done' ? documentOf(upload) : undefined
  if (id === undefined || !isPicture(/\w+$/.exec(upload.name.toLowerCase())?.[0] ?? ''))
    return <UploadIcon upload={upload} />
  return <ChipPicture documentId={id} />
}

function ChipPicture({ documentId: id }: { documentId: string }) {
  const api = useApi()
  return <img className="upload-chip-picture" src={api.url(getDocumentFile, { params: { id } })} alt="" />
}
