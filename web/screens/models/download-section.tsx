import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Download, X } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { pullModel } from '../../../contract/models.ts'
import { listRuns, type Run, stopRun } from '../../../contract/runs.ts'
import { keys, type Pull, pullFold } from '../../api/index.ts'
import { useApi, useRun, useRunHub } from '../../api/react.tsx'
import { message, t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { formatBytes } from '../../ui/format.ts'
import { errorMessage, Notice, Progress } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import './download-section.css'

const suggestions = [
  { name: 'llama3.2:3b', description: message('Small and fast, 2 GB') },
  { name: 'qwen3:8b', description: message('More capable, 5 GB') },
  { name: 'nomic-embed-text', description: message('Embedding model, 0.3 GB') },
]

type Download = { runId: string; model: string }

/** Starts model downloads and lists those in progress, including ones started before a reload or in another tab. */
export function DownloadSection({ isOllamaAvailable }: { isOllamaAvailable: boolean }) {
  const api = useApi()
  const hub = useRunHub()
  const [name, setName] = useState('')
  const [error, setError] = useState<string>()
  const [isStarting, setIsStarting] = useState(false)
  const [downloads, setDownloads] = useState<Download[]>([])
  const running = useQuery({
    queryKey: keys.runningRuns,
    queryFn: () => api.call(listRuns, { query: { status: 'running' } }),
  })

  const track = (added: Download[]): void =>
    setDownloads((current) => [
      ...current,
      ...added.filter(({ runId }) => !current.some((download) => download.runId === runId)),
    ])

  useEffect(() => {
    track(
      (running.data?.runs ?? []).filter(isPull).map((run) => ({ runId: run.id, model: run.subject ?? '' })),
    )
  }, [running.data])

  const pull = async (model: string): Promise<void> => {
    setIsStarting(true)
    setError(undefined)
    try {
      const store = hub.adopt(await api.open(pullModel, { body: { model } }), pullFold)
      track([{ runId: store.runId, model }])
      setName('')
    } catch (failure) {
      setError(errorMessage(failure))
    } finally {
      setIsStarting(false)
    }
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (name.trim()) void pull(name.trim())
  }

  return (
    <Section
      title={t('Download')}
      text={t('Enter a model from the Ollama library (llama3.2:3b) or Hugging Face (hf.co/org/model).')}
    >
      <form className="download-form" onSubmit={submit}>
        <input
          className="input"
          aria-label={t('Model name')}
          placeholder="llama3.2:3b"
          autoCapitalize="off"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit" icon={Download} busy={isStarting} disabled={!name.trim()}>
          {t('Download')}
        </Button>
      </form>
      {!isOllamaAvailable && (
        <Notice kind="warn">
          {t('Downloads need Ollama, which is not responding. Start it, or follow the set-up instructions.')}
        </Notice>
      )}
      {error && <Notice kind="bad">{error}</Notice>}
      <ul className="suggestions" aria-label={t('Suggestions')}>
        {suggestions.map((suggestion) => (
          <li key={suggestion.name}>
            <button type="button" className="suggestion" onClick={() => setName(suggestion.name)}>
              <strong>{suggestion.name}</strong>
              <span>{t(suggestion.description)}</span>
            </button>
          </li>
        ))}
      </ul>
      {downloads.length > 0 && (
        <ul className="rows">
          {downloads.map((download) => (
            <DownloadRow
              key={download.runId}
              {...download}
              onDismiss={() =>
                setDownloads((current) => current.filter(({ runId }) => runId !== download.runId))
              }
            />
          ))}
        </ul>
      )}
    </Section>
  )
}

const isPull = (run: Run): boolean => run.kind === 'pull'

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
