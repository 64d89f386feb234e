import { Check, ChevronDown, ChevronUp, CircleAlert, RotateCcw, X } from 'lucide-react'
import { memo, useEffect, useState } from 'react'
import type { IngestFile } from '../api/index.ts'
import { message, t, useLanguage } from '../languages/index.ts'
import { Button, IconButton, Spinner } from '../ui/button.tsx'
import { joinFacts } from '../ui/format.ts'
import { phoneScreen } from '../ui/media.ts'
import { errorMessage, Progress } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'
import { isInProgress, resultText, type Upload } from './upload-queue.ts'
import { useUploadQueue, useUploads } from './upload-queue-context.tsx'
import './upload-list.css'

/** All uploads in a corner of the page, with their overall progress and the error of each that failed. */
export function UploadTray() {
  const uploads = useUploadQueue()
  const showToast = useToast()
  const list = useUploads()
  const [isOpen, setIsOpen] = useState(() => !matchMedia(phoneScreen).matches)
  const isRunning = list.some(isInProgress)
  useEffect(() => {
    // Files that are not on the server yet would be lost.
    if (!list.some(({ phase }) => phase === 'waiting' || phase === 'sending')) return
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [list])
  if (list.length === 0) return null
  return (
    <section className="upload-tray" aria-label={t('Uploads')}>
      <div className="uploads-head">
        <IconButton
          label={isOpen ? t('Hide uploads') : t('Show uploads')}
          icon={isOpen ? ChevronDown : ChevronUp}
          small
          hint={false}
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        />
        <span role="status">{summarizeUploads(list)}</span>
        {isRunning ? (
          <Button
            small
            variant="quiet"
            onClick={() => {
              uploads.stopAll().catch((error: unknown) => showToast(errorMessage(error), 'bad'))
            }}
          >
            {t('Stop all')}
          </Button>
        ) : (
          <Button small variant="quiet" onClick={uploads.dismissFinished}>
            {t('Clear')}
          </Button>
        )}
      </div>
      {isRunning && <Progress label={t('All uploads')} value={overallProgress(list)} />}
      {isOpen && (
        <ul className="rows">
          {list.map((upload) => (
            <UploadRow key={upload.id} upload={upload} />
          ))}
        </ul>
      )}
    </section>
  )
}

/** Describes all uploads in a few words. */
export function summarizeUploads(list: readonly Upload[]): string {
  const count = (phase: Upload['phase']): number => list.filter((upload) => upload.phase === phase).length
  const failed =
    count('failed') + list.filter((upload) => upload.phase === 'done' && countFiles(upload).failed > 0).length
  const stopped = count('stopped')
  const rest = [
    failed > 0 && t('{count} failed', { count: failed }),
    stopped > 0 && t('{count} stopped', { count: stopped }),
  ]
  const finished = list.filter((upload) => !isInProgress(upload)).length
  const done =
    finished < list.length
      ? t('{finished} of {count, plural, one {# upload} other {# uploads}} finished', {
          finished,
          count: list.length,
        })
      : count('done') === list.length
        ? t('{count, plural, one {# upload} other {# uploads}} finished', { count: list.length })
        : t('{done} of {count, plural, one {# upload} other {# uploads}} added', {
            done: count('done'),
            count: list.length,
          })
  return joinFacts([done, ...rest])
}

const overallProgress = (list: readonly Upload[]): number =>
  list.reduce((sum, upload) => sum + (isInProgress(upload) ? (progressOf(upload) ?? 0) / 2 : 1), 0) /
  list.length

/** Uploads with more files than this list only the ones that are in progress or failed. */
const maxListedFiles = 10
const isPendingOrFailed = (file: IngestFile) => !file.result?.success

const UploadRow = memo(function UploadRow({ upload }: { upload: Upload }) {
  useLanguage()
  const uploads = useUploadQueue()
  const files = upload.ingest?.files ?? []
  const file = files.length === 1 ? files[0] : undefined
  const name =
    upload.name ||
    file?.name ||
    (files.length > 1
      ? t('{count, plural, one {# document} other {# documents}}', { count: files.length })
      : t('Document'))
  return (
    <li className="row upload">
      <UploadIcon upload={upload} />
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{name}</span>
        </span>
        <span className={upload.phase === 'failed' ? 'field-error' : 'row-facts'}>
          {describeUpload(upload)}
        </span>
        {isInProgress(upload) && upload.phase !== 'waiting' && (
          <Progress label={`${name}: ${describeUpload(upload)}`} value={progressOf(upload)} />
        )}
        {files.length > 1 && (
          <ul className="small">
            {(files.length > maxListedFiles ? files.filter(isPendingOrFailed) : files).map((listed) => (
              <li
                key={listed.name}
                className={listed.result && !listed.result.success ? 'field-error' : 'soft'}
              >
                {listed.name}: {listed.result ? resultText(listed.result) : listed.message}
              </li>
            ))}
          </ul>
        )}
      </div>
      <div className="row-actions">
        {(upload.phase === 'failed' || upload.phase === 'stopped') && upload.canRetry && (
          <IconButton
            label={t('Retry {name}', { name })}
            icon={RotateCcw}
            small
            onClick={() => uploads.retry(upload.id)}
          />
        )}
        {isInProgress(upload) ? (
          <IconButton
            label={t('Stop {name}', { name })}
            icon={X}
            small
            onClick={() => void uploads.stop(upload.id)}
          />
        ) : (
          <IconButton
            label={t('Dismiss {name}', { name })}
            icon={X}
            small
            onClick={() => uploads.dismiss(upload.id)}
          />
        )}
      </div>
    </li>
  )
})

export function UploadIcon({ upload }: { upload: Upload }) {
  if (isInProgress(upload)) return <Spinner size={18} />
  if (upload.phase === 'done') return <Check className="upload-done" size={18} aria-hidden />
  return (
    <CircleAlert
      className={upload.phase === 'failed' ? 'upload-failed' : 'upload-stopped'}
      size={18}
      aria-hidden
    />
  )
}

const stageLabels = {
  parse: message('Extracting text'),
  chunk: message('Splitting into passages'),
  embed: message('Embedding'),
  store: message('Saving'),
}

/** Describes the state of an upload in a few words. */
export function describeUpload(upload: Upload): string {
  switch (upload.phase) {
    case 'waiting':
      return t('Waiting')
    case 'sending':
      return upload.sent < 1 ? t('Uploading') : t('Processing')
    case 'stopped':
      return t('Stopped')
    case 'failed':
      return upload.error ?? t('Failed')
    case 'processing': {
      const { total, done } = countFiles(upload)
      if (total > 1) return t('Processed {done} of {total}', { done, total })
      const file = currentFile(upload)
      return file?.stage ? t(stageLabels[file.stage]) : (file?.message ?? t('Processing'))
    }
    case 'done': {
      if (upload.document) {
        const { pages, passages } = upload.document
        return joinFacts([
          t('Ready'),
          t('{count, plural, one {# page} other {# pages}}', { count: pages }),
          t('{count, plural, one {# passage} other {# passages}}', { count: passages }),
        ])
      }
      const result = upload.ingest?.files[0]?.result
      const { done, failed } = countFiles(upload)
      if (done > 1)
        return joinFacts([
          t('Ready'),
          t('{count, plural, one {# document} other {# documents}}', { count: done - failed }),
          failed > 0 && t('{count} failed', { count: failed }),
        ])
      if (!result) return t('Ready')
      if (result.duplicate) return t('Already added')
      return joinFacts([
        t('Ready'),
        result.pages && t('{count, plural, one {# page} other {# pages}}', { count: result.pages }),
        result.chunks && t('{count, plural, one {# passage} other {# passages}}', { count: result.chunks }),
      ])
    }
  }
}

const currentFile = (upload: Upload): IngestFile | undefined =>
  upload.ingest?.files.findLast((file) => !file.result) ?? upload.ingest?.files.at(-1)

/** Counts the files of an upload: all, finished and failed ones. */
function countFiles({ ingest }: Upload) {
  const results = ingest?.files.flatMap((file) => file.result ?? []) ?? []
  return {
    total: ingest?.total ?? ingest?.files.length ?? 0,
    done: results.length,
    failed: results.filter((result) => !result.success).length,
  }
}

/** Returns the progress of the current step from 0 to 1, or undefined if it is unknown. */
function progressOf(upload: Upload): number | undefined {
  if (upload.phase === 'sending') return upload.sent
  if (upload.phase === 'processing') {
    const { total, done } = countFiles(upload)
    return total > 1 ? done / total : currentFile(upload)?.progress
  }
  return 0
}
