import { Download } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { pullModel } from '../../../contract/models.ts'
import { useApi } from '../../api/react.tsx'
import { message, t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { errorMessage, Notice } from '../../ui/state.tsx'
import { DownloadList, useDownloads } from './downloads.tsx'
import './download-section.css'

const suggestions = [
  { name: 'llama3.2:3b', description: message('Small and fast, 2 GB') },
  { name: 'qwen3:8b', description: message('More capable, 5 GB') },
  { name: 'nomic-embed-text', description: message('Embedding model, 0.3 GB') },
]

/** Starts model downloads and lists those in progress, including ones started before a reload or in another tab. */
export function DownloadSection({ isOllamaAvailable }: { isOllamaAvailable: boolean }) {
  const api = useApi()
  const [name, setName] = useState('')
  const [error, setError] = useState<string>()
  const [isStarting, setIsStarting] = useState(false)
  const { downloads, adopt, dismiss } = useDownloads({ ofCatalogue: false })

  const pull = async (model: string): Promise<void> => {
    setIsStarting(true)
    setError(undefined)
    try {
      adopt(await api.open(pullModel, { body: { model } }), model)
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
      <DownloadList downloads={downloads} onDismiss={dismiss} />
    </Section>
  )
}
