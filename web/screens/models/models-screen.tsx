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
import { useApi } from '../../api/react.tsx'
import { Page, Section } from '../../shell/page.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { formatBytes, formatTime } from '../../ui/format.ts'
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx'
import { Badge, EmptyState, ErrorState, errorMessage, Notice, Skeleton } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { SetupGuide } from './setup-guide.tsx'
import './models.css'
import { DownloadSection } from './download-section.tsx'

/** Which model answers, which are there, and how to get others. */
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
  const models = list.data?.models ?? []
  return (
    <Page title="Models" intro="What writes the answers, and what finds the passages they rest on.">
      {status.isPending ? (
        <Skeleton height="6.25rem" />
      ) : !status.data ? (
        <ErrorState error={status.error} onRetry={() => void status.refetch()} />
      ) : (
        <Answering status={status.data} />
      )}
      <Section title="Installed">
        {list.data?.message && <Notice kind="warn">{list.data.message}</Notice>}
        {list.isPending ? (
          <Skeleton height="7.5rem" />
        ) : !list.data ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : models.length === 0 ? (
          <EmptyState title="No models yet">
            Download one below, or point this server at a service that has them.
          </EmptyState>
        ) : (
          <ul className="rows">
            {models.map((model) => (
              <ModelRow key={`${model.provider} ${model.name}`} model={model} />
            ))}
          </ul>
        )}
      </Section>
      {/* What stands below a list comes after it, so that it need not move. */}
      {!list.isPending && !status.isPending && (
        <>
          <DownloadSection isOllamaThere={status.data?.ollama ?? true} />
          <SetupGuide />
        </>
      )}
    </Page>
  )
}

const providers = { ollama: 'Ollama', openai: 'OpenAI-compatible service', extractive: 'Built in' }

function Answering({ status }: { status: Status }) {
  const isExtractive = status.provider === 'extractive'
  return (
    <section className="answering" aria-label="Which model answers">
      <div>
        <h2>{isExtractive ? 'No language model' : status.active_model}</h2>
        <p className="soft">
          {isExtractive
            ? 'Answers are passages quoted from your documents, word for word.'
            : `Writes the answers. ${status.model_reason}`}
        </p>
        {isExtractive && <p className="soft small">{status.model_reason}</p>}
      </div>
      <dl className="answering-facts">
        <dt>Comes from</dt>
        <dd>{providers[status.provider as keyof typeof providers] ?? status.provider}</dd>
        <dt>Finds by meaning</dt>
        <dd>{status.embedding_model ?? 'no: by words only'}</dd>
        {status.rerank_model && (
          <>
            <dt>Puts passages in order</dt>
            <dd>
              {status.rerank_model}
              {status.rerank_problem && `, not at the moment: ${status.rerank_problem}`}
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}

function ModelRow({ model }: { model: ModelInfo }) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const [isDeleting, setIsDeleting] = useState(false)
  const refresh = () => queries.invalidateQueries({ queryKey: keys.models })
  const isBuiltIn = model.provider === 'extractive'
  const name = isBuiltIn ? 'Quoting, without a model' : model.name
  const canAnswer = model.capabilities.length === 0 || model.capabilities.includes('completion')

  const activate = useMutation({
    mutationFn: () => api.call(setActiveModel, { body: { model: model.name } }),
    onSuccess: () => tell(isBuiltIn ? 'Answers are quotations from now on.' : `${name} answers from now on.`),
    onError: (error) => tell(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  const test = useMutation({
    mutationFn: () => api.call(testModel, { body: { model: model.name } }),
    onSuccess: (answer) => tell(`${model.name} says: ${answer.result}`),
    onError: (error) => tell(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  const unload = useMutation({
    mutationFn: () => api.call(unloadModel, { body: { model: model.name } }),
    onSuccess: () => tell(`${model.name} has left the memory.`),
    onError: (error) => tell(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  return (
    <li className="row">
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{name}</span>
          {model.active && <Badge kind="accent">Answers</Badge>}
          {model.loaded && !isBuiltIn && <Badge>In memory</Badge>}
        </span>
        <span className="row-facts">{facts(model)}</span>
      </div>
      <div className="row-actions">
        {canAnswer && !model.active && (
          <Button small busy={activate.isPending} onClick={() => activate.mutate()}>
            Use
          </Button>
        )}
        {!isBuiltIn && (canAnswer || model.provider === 'ollama') && (
          <Menu trigger={<IconButton label={`Actions for ${model.name}`} icon={Ellipsis} hint={false} />}>
            {canAnswer && !model.active && (
              <MenuItem icon={Zap} onSelect={() => activate.mutate()}>
                Use for answers
              </MenuItem>
            )}
            {canAnswer && (
              <MenuItem icon={Play} disabled={test.isPending} onSelect={() => test.mutate()}>
                Try it
              </MenuItem>
            )}
            {model.loaded && (
              <MenuItem icon={Power} onSelect={() => unload.mutate()}>
                Take out of memory
              </MenuItem>
            )}
            {model.provider === 'ollama' && (
              <>
                <MenuSeparator />
                <MenuItem icon={Trash2} danger onSelect={() => setIsDeleting(true)}>
                  Remove
                </MenuItem>
              </>
            )}
          </Menu>
        )}
      </div>
      <ConfirmDialog
        open={isDeleting}
        onOpenChange={setIsDeleting}
        title={`Remove ${model.name}?`}
        action="Remove"
        onConfirm={async () => {
          await api.call(deleteModel, { body: { model: model.name } })
          await refresh()
        }}
      >
        {model.size ? `This frees ${formatBytes(model.size)}. ` : ''}To use it again it must be downloaded
        again.
      </ConfirmDialog>
    </li>
  )
}

const abilities: Record<string, string> = {
  embedding: 'finds by meaning',
  vision: 'sees pictures',
  thinking: 'thinks first',
}

function facts(model: ModelInfo): string {
  return [
    providers[model.provider],
    model.size && formatBytes(model.size),
    model.context_length && `reads ${model.context_length.toLocaleString('en')} tokens at once`,
    ...model.capabilities.map((capability) => abilities[capability]),
    model.modified_at && `since ${formatTime(model.modified_at)}`,
  ]
    .filter(Boolean)
    .join(' · ')
}
