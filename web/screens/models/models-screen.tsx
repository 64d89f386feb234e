import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, Play, Power, Trash2, Zap } from 'lucide-react'
import { useState } from 'react'
import { getStatus } from '../../../contract/localchat.ts'
import {
  deleteModel,
  listModels,
  type ModelInfo,
  setActiveModel,
  testModel,
  unloadModel,
} from '../../../contract/models.ts'
import { keys, type Status } from '../../api/index.ts'
import { useApi, useIsAdmin } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { canAnswer, modelName, successorText } from '../../models/model-name.ts'
import { Page, Section } from '../../shell/page.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { formatBytes, formatTime, joinFacts } from '../../ui/format.ts'
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx'
import { Badge, EmptyState, errorMessage, Loaded, Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { Catalogue } from './catalogue.tsx'
import { DownloadSection } from './download-section.tsx'
import { Fallbacks } from './fallbacks.tsx'
import { Providers } from './providers.tsx'
import { SetupGuide } from './setup-guide.tsx'
import './models-screen.css'

/** The active model, the installed ones, downloads and set-up instructions. */
export function ModelsScreen() {
  const api = useApi()
  const status = useQuery({
    queryKey: keys.status,
    queryFn: () => api.call(getStatus),
    refetchInterval: 10_000,
  })
  const list = useQuery({
    queryKey: keys.modelList,
    queryFn: () => api.call(listModels),
    refetchInterval: 15_000,
  })
  const isAdmin = useIsAdmin()
  const models = list.data?.models ?? []
  return (
    <Page
      title={t('Models')}
      intro={t('The language model that writes answers and the models that search your documents.')}
    >
      <Loaded query={status} height="6.25rem">
        {(data) => <ActiveModel status={data} />}
      </Loaded>
      <Section title={t('Installed')}>
        {isAdmin && list.data?.message && <Notice kind="warn">{list.data.message}</Notice>}
        <Loaded query={list} height="7.5rem">
          {() =>
            models.length === 0 ? (
              <EmptyState title={t('No models yet')}>
                {isAdmin
                  ? t('Download a model with Ollama, or connect a service.')
                  : t('Ask an administrator to add one.')}
              </EmptyState>
            ) : (
              <ul className="rows">
                {models.map((model) => (
                  <ModelRow key={`${model.provider} ${model.name}`} model={model} isAdmin={isAdmin} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Section>
      {/* Rendered only after the list, so that it does not move when the list loads. */}
      {isAdmin && !list.isPending && !status.isPending && (
        <>
          <Providers />
          <Fallbacks />
          <Catalogue />
          <DownloadSection isOllamaAvailable={status.data?.ollama ?? true} />
          <SetupGuide />
        </>
      )}
    </Page>
  )
}

const providers: Record<string, Message> = {
  ollama: message('Ollama'),
  openai: message('OpenAI-compatible service'),
  in_process: message('This server'),
  extractive: message('Built-in'),
}

function providerName(provider: string): string {
  const name = providers[provider]
  return name ? t(name) : provider
}

function ActiveModel({ status }: { status: Status }) {
  const isExtractive = status.provider === 'extractive'
  return (
    <section className="active-model" aria-label={t('Active model')}>
      <div>
        <h2>{isExtractive ? t('No language model') : status.active_model}</h2>
        <p className="soft">
          {isExtractive ? t('Answers quote passages from your documents.') : <bdi>{status.model_reason}</bdi>}
        </p>
        {isExtractive && <p className="soft small">{status.model_reason}</p>}
      </div>
      <dl className="active-model-facts">
        <dt>{t('Provider')}</dt>
        <dd>{providerName(status.provider)}</dd>
        <dt>{t('Embedding model')}</dt>
        <dd>{status.embedding_model ?? t('None (keyword search only)')}</dd>
        {status.rerank_model && (
          <>
            <dt>{t('Reranking model')}</dt>
            <dd>
              {status.rerank_problem
                ? t('{name} (unavailable: {problem})', {
                    name: status.rerank_model,
                    problem: status.rerank_problem,
                  })
                : status.rerank_model}
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}

function ModelRow({ model, isAdmin }: { model: ModelInfo; isAdmin: boolean }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [isDeleting, setIsDeleting] = useState(false)
  const refresh = () => queries.invalidateQueries({ queryKey: keys.models })
  const isOnDisk = model.size !== null
  const name = modelName(model)
  const isLanguageModel = canAnswer(model)

  const activate = useMutation({
    mutationFn: () => api.call(setActiveModel, { body: { model: model.name } }),
    onSuccess: () => showToast(t('Active model: {name}', { name })),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  const test = useMutation({
    mutationFn: () => api.call(testModel, { body: { model: model.name } }),
    onSuccess: (answer) =>
      showToast(t('{name} replied: {answer}', { name: model.name, answer: answer.result })),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  const unload = useMutation({
    mutationFn: () => api.call(unloadModel, { body: { model: model.name } }),
    onSuccess: () => showToast(t('{name} unloaded.', { name: model.name })),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  return (
    <li className="row">
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{name}</span>
          {model.active && <Badge kind="accent">{t('Active')}</Badge>}
          {model.loaded && isOnDisk && <Badge>{t('Loaded')}</Badge>}
        </span>
        <span className="row-facts">{facts(model)}</span>
      </div>
      {isAdmin && (
        <div className="row-actions">
          {isLanguageModel && !model.active && (
            <Button small busy={activate.isPending} onClick={() => activate.mutate()}>
              {t('Use')}
            </Button>
          )}
          {(isLanguageModel ? model.provider !== 'extractive' : isOnDisk) && (
            <Menu
              trigger={
                <IconButton
                  label={t('Actions for {name}', { name: model.name })}
                  icon={Ellipsis}
                  hint={false}
                />
              }
            >
              {isLanguageModel && !model.active && (
                <MenuItem icon={Zap} onSelect={() => activate.mutate()}>
                  {t('Use for answers')}
                </MenuItem>
              )}
              {isLanguageModel && (
                <MenuItem icon={Play} disabled={test.isPending} onSelect={() => test.mutate()}>
                  {t('Test')}
                </MenuItem>
              )}
              {model.loaded && isOnDisk && (
                <MenuItem icon={Power} onSelect={() => unload.mutate()}>
                  {t('Unload')}
                </MenuItem>
              )}
              {isOnDisk && (
                <>
                  <MenuSeparator />
                  <MenuItem icon={Trash2} danger onSelect={() => setIsDeleting(true)}>
                    {t('Delete')}
                  </MenuItem>
                </>
              )}
            </Menu>
          )}
        </div>
      )}
      <ConfirmDialog
        open={isDeleting}
        onOpenChange={setIsDeleting}
        title={t('Delete {name}?', { name: model.name })}
        action={t('Delete')}
        onConfirm={async () => {
          const { active_model } = await api.call(deleteModel, { body: { model: model.name } })
          if (active_model) showToast(successorText(active_model))
          await refresh()
        }}
      >
        {model.size ? `${t('Frees {size}.', { size: formatBytes(model.size) })} ` : ''}
        {t('To use this model again, download it again.')}
      </ConfirmDialog>
    </li>
  )
}

const capabilityLabels: Record<string, Message> = {
  embedding: message('Embedding model'),
  reranking: message('Reranking model'),
  vision: message('Image input'),
  thinking: message('Reasoning'),
}

function facts(model: ModelInfo): string {
  return joinFacts([
    model.provider === 'extractive' ? t('Quotes passages from your documents') : providerName(model.provider),
    model.size && formatBytes(model.size),
    model.memory && t('{size} in memory', { size: formatBytes(model.memory) }),
    model.context_length && t('Context window: {count, number} tokens', { count: model.context_length }),
    ...model.capabilities.map((capability) => {
      const label = capabilityLabels[capability]
      return label && t(label)
    }),
    model.modified_at && t('Updated {time}', { time: formatTime(model.modified_at) }),
  ])
}
