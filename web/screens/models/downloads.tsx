import { useQuery, useQueryClient } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useEffect, useState } from 'react'
import { listRuns, stopRun } from '../../../contract/runs.ts'
import { keys, type Pull, pullFold } from '../../api/index.ts'
import { useApi, useRun, useRunHub } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { formatBytes } from '../../ui/format.ts'
import { errorMessage, Progress } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

type Download = { runId: string; model: string }

const inProcess = 'in_process/'

/**
 * Starts and follows downloads of models from the catalogue or with Ollama, including those that were started before a
 * reload or in another tab.
 */
export function useDownloads({ ofCatalogue }: { ofCatalogue: boolean }) {
  const api = useApi()
  const hub = useRunHub()
  const [downloads, setDownloads] = useState<Download[]>([])
  const running = useQuery({
    queryKey: keys.runningRuns,
    queryFn: () => api.call(listRuns, { query: { status: 'running' } }),
  })

  const track = (added: Download[]): void =>
    setDownloads((current) => [
      ...current.filter(({ model }) => !added.some((download) => download.model === model)),
      ...added,
    ])

  useEffect(() => {
    track(
      (running.data?.runs ?? []).flatMap(({ id, kind, subject }) =>
        kind === 'pull' && (subject ?? '').startsWith(inProcess) === ofCatalogue
          ? [{ runId: id, model: (subject ?? '').replace(inProcess, '') }]
          : [],
      ),
    )
  }, [running.data, ofCatalogue])

  return {
    downloads,
    /** Follows the run of a response. */
    adopt: (response: Response, model: string): void =>
      track([{ runId: hub.adopt(response, pullFold).runId, model }]),
    dismiss: (runId: string): void =>
      setDownloads((current) => current.filter((download) => download.runId !== runId)),
  }
}

/** Lists downloads with their progress. */
export function DownloadList({
  downloads,
  onDismiss,
}: {
  downloads: Download[]
  onDismiss: (runId: string) => void
}) {
  if (downloads.length === 0) return null
  return (
    <ul className="rows">
      {downloads.map((download) => (
        <DownloadRow key={download.runId} {...download} onDismiss={() => onDismiss(download.runId)} />
      ))}
    </ul>
  )
}

function DownloadRow({ runId, model, onDismiss }: Download & { onDismiss: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const run = useRun(runId, pullFold)
  const pull = run?.value
  const isRunning = pull?.phase === 'running' && run?.connection !== 'refused'
  const phase = pull?.phase

  useEffect(() => {
    if (phase !== 'running') void queries.invalidateQueries({ queryKey: keys.models })
  }, [phase, queries])

  if (!pull) return null
  const stop = (): void => {
    api
      .call(stopRun, { params: { id: runId } })
      .catch((error: unknown) => showToast(errorMessage(error), 'bad'))
  }
  return (
    <li className="row download">
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{model}</span>
        </span>
        <span className={phase === 'failed' ? 'field-error' : 'row-facts'} role="status">
          {run?.connection === 'refused' ? run.error?.message : describePull(pull)}
        </span>
        {isRunning && (
          <Progress
            label={t('Download of {model}', { model })}
            value={pull.total > 0 ? pull.completed / pull.total : undefined}
          />
        )}
      </div>
      <div className="row-actions">
        {isRunning ? (
          <Button small onClick={stop}>
            {t('Stop')}
          </Button>
        ) : (
          <IconButton label={t('Dismiss {model}', { model })} icon={X} small onClick={onDismiss} />
        )}
      </div>
    </li>
  )
}

function describePull(pull: Pull): string {
  switch (pull.phase) {
    case 'done':
      return t('Downloaded')
    case 'stopped':
      return t('Stopped. Download again to resume.')
    case 'failed':
      return pull.error ?? t('Download failed.')
    case 'running':
      return pull.total > 0 && pull.completed < pull.total
        ? t('{done} of {total}', {
            done: formatBytes(pull.completed),
            total: formatBytes(pull.total),
          })
        : pull.status || t('Starting')
  }
}
