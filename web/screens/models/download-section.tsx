import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Download, X } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { pullModel } from '../../../contract/models.ts'
import { listRuns, type Run, stopRun } from '../../../contract/runs.ts'
import { keys, type Pull, pullFold } from '../../api/index.ts'
import { useApi, useRun, useRunHub } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { formatBytes } from '../../ui/format.ts'
import { errorMessage, Notice, Progress } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

const suggestions = [
  { name: 'llama3.2:3b', text: 'Small and quick, 2 GB' },
  { name: 'qwen3:8b', text: 'Stronger, 5 GB' },
  { name: 'nomic-embed-text', text: 'Finds passages by meaning, 0.3 GB' },
]

type Followed = { runId: string; model: string }

/** Downloads of models: new ones, and those under way, also the ones begun before a reload or elsewhere. */
export function DownloadSection({ isOllamaThere }: { isOllamaThere: boolean }) {
  const api = useApi()
  const hub = useRunHub()
  const [name, setName] = useState('')
  const [error, setError] = useState<string>()
  const [isStarting, setIsStarting] = useState(false)
  const [followed, setFollowed] = useState<Followed[]>([])
  const running = useQuery({
    queryKey: keys.runningRuns,
    queryFn: () => api.call(listRuns, { query: { status: 'running' } }),
  })

  const follow = (more: Followed[]): void =>
    setFollowed((known) => [
      ...known,
      ...more.filter((one) => !known.some((other) => other.runId === one.runId)),
    ])

  useEffect(() => {
    follow(
      (running.data?.runs ?? []).filter(isPull).map((run) => ({ runId: run.id, model: run.subject ?? '' })),
    )
  }, [running.data])

  const pull = async (model: string): Promise<void> => {
    setIsStarting(true)
    setError(undefined)
    try {
      const store = hub.adopt(await api.open(pullModel, { body: { model } }), pullFold)
      follow([{ runId: store.runId, model }])
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
      title="Download"
      text="From the Ollama library, or any other place Ollama knows: user/model, hf.co/org/model."
    >
      <form className="pull-form" onSubmit={submit}>
        <input
          className="input"
          aria-label="Name of a model"
          placeholder="llama3.2:3b"
          autoCapitalize="off"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit" icon={Download} busy={isStarting} disabled={!name.trim()}>
          Download
        </Button>
      </form>
      {!isOllamaThere && (
        <Notice kind="warn">
          Ollama does not answer right now; downloads need it. How to set it up stands below.
        </Notice>
      )}
      {error && <Notice kind="bad">{error}</Notice>}
      <ul className="suggestions" aria-label="Suggestions">
        {suggestions.map((suggestion) => (
          <li key={suggestion.name}>
            <button type="button" className="suggestion" onClick={() => setName(suggestion.name)}>
              <strong>{suggestion.name}</strong>
              <span>{suggestion.text}</span>
            </button>
          </li>
        ))}
      </ul>
      {followed.length > 0 && (
        <ul className="rows">
          {followed.map((one) => (
            <DownloadRow
              key={one.runId}
              {...one}
              onDismiss={() => setFollowed((known) => known.filter((other) => other.runId !== one.runId))}
            />
          ))}
        </ul>
      )}
    </Section>
  )
}

const isPull = (run: Run): boolean => run.kind === 'pull'

function DownloadRow({ runId, model, onDismiss }: Followed & { onDismiss: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const run = useRun(runId, pullFold)
  const pull = run?.value
  const isRunning = pull?.phase === 'running' && run?.connection !== 'refused'
  const phase = pull?.phase

  useEffect(() => {
    if (phase !== 'running') void queries.invalidateQueries({ queryKey: keys.models })
  }, [phase, queries])

  if (!pull) return null
  const stop = (): void => {
    api.call(stopRun, { params: { id: runId } }).catch((error: unknown) => tell(errorMessage(error), 'bad'))
  }
  return (
    <li className="row upload">
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{model}</span>
        </span>
        <span className={phase === 'failed' ? 'field-error' : 'row-facts'} role="status">
          {run?.connection === 'refused' ? run.error?.message : inWords(pull)}
        </span>
        {isRunning && (
          <Progress
            label={`Download of ${model}`}
            value={pull.total > 0 ? pull.completed / pull.total : undefined}
          />
        )}
      </div>
      <div className="row-actions">
        {isRunning ? (
          <Button small onClick={stop}>
            Stop
          </Button>
        ) : (
          <IconButton label={`Dismiss ${model}`} icon={X} small onClick={onDismiss} />
        )}
      </div>
    </li>
  )
}

function inWords(pull: Pull): string {
  switch (pull.phase) {
    case 'done':
      return 'Downloaded'
    case 'stopped':
      return 'Stopped; what was downloaded is kept for the next time'
    case 'failed':
      return pull.error ?? 'The download failed.'
    case 'running':
      return pull.total > 0 && pull.completed < pull.total
        ? `${formatBytes(pull.completed)} of ${formatBytes(pull.total)}`
        : pull.status || 'Beginning'
  }
}
