import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Download, Trash2 } from 'lucide-react'
import { useState } from 'react'
import {
  type CatalogueModel,
  type ChatEngine,
  deleteCatalogueModel,
  downloadModel,
  getCatalogue,
  installChatEngine,
} from '../../../contract/models.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { message, perLanguage, t } from '../../languages/index.ts'
import { successorText } from '../../models/model-name.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { formatBytes, joinFacts } from '../../ui/format.ts'
import { Badge, errorMessage, Loaded, Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { DownloadList, useDownloads } from './downloads.tsx'

const chatEngineBytes = 85_000_000

/** Lists, downloads and deletes the models that can run in the server, for administrators. */
export function Catalogue() {
  const api = useApi()
  const { downloads, adopt, dismiss } = useDownloads({ ofCatalogue: true })
  const catalogue = useQuery({ queryKey: keys.catalogue, queryFn: () => api.call(getCatalogue) })
  return (
    <Section
      title={t('Catalogue')}
      text={t(
        'Models that run on this server, for search and for answers. Nothing is downloaded until you click Download.',
      )}
    >
      <Loaded query={catalogue} height="7.5rem">
        {(data) => (
          <>
            {data.message && <Notice kind="warn">{data.message}</Notice>}
            <ul className="rows">
              <ChatEngineRow engine={data.chat_engine} onStarted={adopt} />
              {data.models.map((model) => (
                <CatalogueRow key={model.id} model={model} onStarted={adopt} />
              ))}
            </ul>
          </>
        )}
      </Loaded>
      <DownloadList downloads={downloads} onDismiss={dismiss} />
    </Section>
  )
}

const chatEngineName = 'node-llama-cpp'

/** The engine of GGUF models, with a button that installs it. */
function ChatEngineRow({
  engine: { version, installed, message: problem },
  onStarted,
}: {
  engine: ChatEngine
  onStarted: (response: Response, id: string) => void
}) {
  const api = useApi()
  const showToast = useToast()
  const start = useMutation({
    mutationFn: () => api.open(installChatEngine),
    onSuccess: (response) => onStarted(response, chatEngineName),
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  return (
    <Row
      title={
        <>
          <span className="truncate">{chatEngineName}</span>
          {installed && <Badge kind="accent">{t('Installed')}</Badge>}
        </>
      }
      facts={
        <>
          {joinFacts([
            t('Engine of chat models and other GGUF files'),
            version,
            formatBytes(chatEngineBytes),
            'MIT',
          ])}
          {problem && <span className="catalogue-source">{problem}</span>}
        </>
      }
    >
      {!installed && problem === null && (
        <Button
          small
          icon={Download}
          aria-label={t('Install {name}', { name: chatEngineName })}
          busy={start.isPending}
          onClick={() => start.mutate()}
        >
          {t('Install')}
        </Button>
      )}
    </Row>
  )
}

const kindLabels = {
  chat: message('Chat model'),
  embedding: message('Embedding model'),
  reranking: message('Reranking model'),
}

const languageNames = perLanguage((language) => new Intl.DisplayNames(language, { type: 'language' }))

const maxNamed = 3

const nameOf = (language: string) =>
  language === 'multilingual' ? t('About 100 languages') : languageNames().of(language)

function CatalogueRow({
  model,
  onStarted,
}: {
  model: CatalogueModel
  onStarted: (response: Response, id: string) => void
}) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [isDeleting, setIsDeleting] = useState(false)
  const { id, kind, license, languages, dimensions, size, source, installed } = model
  const start = useMutation({
    mutationFn: () => api.open(downloadModel, { body: { id } }),
    onSuccess: (response) => onStarted(response, id),
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  return (
    <Row
      title={
        <>
          <span className="truncate">{id}</span>
          {installed && <Badge kind="accent">{t('Installed')}</Badge>}
        </>
      }
      facts={
        <>
          {joinFacts([
            t(kindLabels[kind]),
            formatBytes(size),
            license,
            languages.length > maxNamed
              ? t('{count} languages', { count: languages.length })
              : languages.map(nameOf).join(', '),
            dimensions && t('{dimensions} dimensions', { dimensions }),
          ])}
          <span className="catalogue-source">
            {t('From {source}', { source: source.split('/resolve/')[0] })}
          </span>
        </>
      }
    >
      {installed ? (
        <Button
          small
          icon={Trash2}
          aria-label={t('Delete {name}', { name: id })}
          onClick={() => setIsDeleting(true)}
        >
          {t('Delete')}
        </Button>
      ) : (
        <Button
          small
          icon={Download}
          aria-label={t('Download {name}', { name: id })}
          busy={start.isPending}
          onClick={() => start.mutate()}
        >
          {t('Download')}
        </Button>
      )}
      <ConfirmDialog
        open={isDeleting}
        onOpenChange={setIsDeleting}
        title={t('Delete {name}?', { name: id })}
        action={t('Delete')}
        onConfirm={async () => {
          const { active_model } = await api.call(deleteCatalogueModel, { params: { id } })
          if (active_model) showToast(successorText(active_model))
          await queries.invalidateQueries({ queryKey: keys.models })
        }}
      >
        {kind === 'embedding'
          ? t(
              'Search then uses another embedding model, if there is one. To use this model again, download it again.',
            )
          : t('To use this model again, download it again.')}
      </ConfirmDialog>
    </Row>
  )
}
