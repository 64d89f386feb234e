import { Check, CircleAlert, RotateCcw, X } from 'lucide-react'
import { memo } from 'react'
import type { IngestFile } from '../api/index.ts'
import { Button, IconButton, Spinner } from '../ui/button.tsx'
import { formatCount } from '../ui/format.ts'
import { Progress } from '../ui/state.tsx'
import './documents.css'
import { isInProgress, type Upload } from './upload-queue.ts'
import { useAveeUploads, useUploadQueue } from './upload-queue-context.tsx'

/** What is on its way into an avee's documents, file by file, with the reason of each that failed. */
export function UploadList({ aveeId }: { aveeId: string | undefined }) {
  const uploads = useUploadQueue()
  const list = useAveeUploads(aveeId)
  if (list.length === 0) return null
  const open = list.filter(isInProgress).length
  return (
    <section className="uploads" aria-label="Uploads">
      <div className="uploads-head">
        <span role="status">{open > 0 ? `Reading ${formatCount(open, 'document')}` : 'All read'}</span>
        {open < list.length && (
          <Button small variant="quiet" onClick={uploads.dismissFinished}>
            Clear finished
          </Button>
        )}
      </div>
      <ul className="rows">
        {list.map((upload) => (
          <UploadRow key={upload.id} upload={upload} />
        ))}
      </ul>
    </section>
  )
}

/** Of more files than these only those under way and those that failed have a line each. */
const manyFiles = 10
const isWorthALine = (file: IngestFile) => !file.result?.success

const UploadRow = memo(function UploadRow({ upload }: { upload: Upload }) {
  const uploads = useUploadQueue()
  const files = upload.ingest?.files ?? []
  const file = files.length === 1 ? files[0] : undefined
  const name =
    upload.name || file?.name || (files.length > 1 ? formatCount(files.length, 'document') : 'Document')
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
        {isInProgress(upload) && (
          <Progress label={`${name}: ${describeUpload(upload)}`} value={portion(upload)} />
        )}
        {files.length > 1 && (
          <ul className="small">
            {(files.length > manyFiles ? files.filter(isWorthALine) : files).map((one) => (
              <li key={one.name} className={one.result && !one.result.success ? 'field-error' : 'soft'}>
                {one.name}: {one.result?.message ?? one.message}
              </li>
            ))}
          </ul>
        )}
      </div>
      <div className="row-actions">
        {(upload.phase === 'failed' || upload.phase === 'stopped') && upload.canRetry && (
          <IconButton
            label={`Try ${name} again`}
            icon={RotateCcw}
            small
            onClick={() => uploads.retry(upload.id)}
          />
        )}
        {isInProgress(upload) ? (
          <IconButton label={`Stop ${name}`} icon={X} small onClick={() => void uploads.stop(upload.id)} />
        ) : (
          <IconButton label={`Dismiss ${name}`} icon={X} small onClick={() => uploads.dismiss(upload.id)} />
        )}
      </div>
    </li>
  )
})

export function UploadIcon({ upload }: { upload: Upload }) {
  if (isInProgress(upload)) return <Spinner size={18} />
  if (upload.phase === 'done') return <Check className="upload-good" size={18} aria-hidden />
  return (
    <CircleAlert
      className={upload.phase === 'failed' ? 'upload-bad' : 'upload-stopped'}
      size={18}
      aria-hidden
    />
  )
}

const stages = {
  parse: 'Reading',
  chunk: 'Cutting into passages',
  embed: 'Learning its meaning',
  store: 'Storing',
}

/** Where an upload stands, in a few words. */
export function describeUpload(upload: Upload): string {
  switch (upload.phase) {
    case 'waiting':
      return 'Waiting its turn'
    case 'sending':
      return upload.sent < 1 ? 'Sending' : 'Reading'
    case 'stopped':
      return 'Stopped'
    case 'failed':
      return upload.error ?? 'Failed'
    case 'reading': {
      const { total, done } = tally(upload)
      if (total > 1) return `Read ${done} of ${total}`
      const file = openFile(upload)
      return file?.stage ? stages[file.stage] : (file?.message ?? 'Reading')
    }
    case 'done': {
      if (upload.document) {
        const { pages, passages } = upload.document
        return ['Ready', formatCount(pages, 'page'), formatCount(passages, 'passage')].join(' · ')
      }
      const result = upload.ingest?.files[0]?.result
      const { done, failed } = tally(upload)
      if (done > 1)
        return ['Ready', formatCount(done - failed, 'document'), failed > 0 && `${failed} failed`]
          .filter(Boolean)
          .join(' · ')
      if (!result) return 'Ready'
      if (result.duplicate) return 'Already here'
      return [
        'Ready',
        result.pages && formatCount(result.pages, 'page'),
        result.chunks && formatCount(result.chunks, 'passage'),
      ]
        .filter(Boolean)
        .join(' · ')
    }
  }
}

const openFile = (upload: Upload): IngestFile | undefined =>
  upload.ingest?.files.findLast((file) => !file.result) ?? upload.ingest?.files.at(-1)

/** How many files there are, have their result, and failed. */
function tally({ ingest }: Upload) {
  const results = ingest?.files.flatMap((file) => file.result ?? []) ?? []
  return {
    total: ingest?.total ?? ingest?.files.length ?? 0,
    done: results.length,
    failed: results.filter((result) => !result.success).length,
  }
}

/** 0 to 1 of the step under way; undefined when it does not tell. */
function portion(upload: Upload): number | undefined {
  if (upload.phase === 'sending') return upload.sent
  if (upload.phase === 'reading') {
    const { total, done } = tally(upload)
    return total > 1 ? done / total : openFile(upload)?.progress
  }
  return 0
}
