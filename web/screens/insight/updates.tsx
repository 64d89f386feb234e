import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Pencil, Trash2 } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import {
  type AveeUpdate,
  createUpdate,
  deleteUpdate,
  listUpdates,
  updateUpdate,
} from '../../../contract/avee-insight.ts'
import type { Avee } from '../../../contract/avees.ts'
import type { Layer } from '../../../contract/layers.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { layerLabels, layerOptions } from '../../documents/layers.ts'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { SelectField, TextArea } from '../../ui/field.tsx'
import { formatTime } from '../../ui/format.ts'
import { Badge, EmptyState, ErrorState, errorMessage, Notice, Skeleton } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'
import './updates.css'
import './insight-form.css'

/** Dated updates of the avee, each on a layer. */
export function Updates({ avee }: { avee: Avee }) {
  const api = useApi()
  const list = useQuery({
    queryKey: keys.updates(avee.id),
    queryFn: () => api.call(listUpdates, { params: { id: avee.id } }),
  })
  const [editing, setEditing] = useState<string>()
  return (
    <Section
      title={t('Updates')}
      text={t('Answers prefer an update for 30 days. After that, it is treated like any other document.')}
    >
      <UpdateForm avee={avee} />
      {list.isError && !list.data ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <Skeleton height="5rem" />
      ) : list.data.updates.length === 0 ? (
        <EmptyState title={t('No updates yet')} />
      ) : (
        <ul className="rows">
          {list.data.updates.map((update) =>
            editing === update.id ? (
              <li key={update.id} className="row">
                <div className="row-body">
                  <UpdateForm avee={avee} update={update} onDone={() => setEditing(undefined)} />
                </div>
              </li>
            ) : (
              <UpdateRow key={update.id} avee={avee} update={update} onEdit={() => setEditing(update.id)} />
            ),
          )}
        </ul>
      )}
    </Section>
  )
}

function UpdateForm({ avee, update, onDone }: { avee: Avee; update?: AveeUpdate; onDone?: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [{ text, layer }, change, clear] = useDraftState<{ text: string; layer: Layer }>(
    `update ${update?.id ?? avee.id}`,
    { text: update?.text ?? '', layer: update?.layer ?? 'public' },
  )
  const save = useMutation({
    mutationFn: () =>
      update
        ? api.call(updateUpdate, {
            params: { id: avee.id, update_id: update.id },
            body: { text: text.trim(), layer },
          })
        : api.call(createUpdate, { params: { id: avee.id }, body: { text: text.trim(), layer } }),
    onSuccess: () => {
      clear()
      onDone?.()
      return queries.invalidateQueries({ queryKey: keys.updates(avee.id) })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (text.trim()) save.mutate()
  }
  return (
    <form className="insight-form" onSubmit={submit}>
      <TextArea
        label={update ? t('Edit update') : t('What’s new?')}
        value={text}
        maxLength={10_000}
        onChange={(event) => change({ text: event.target.value })}
      />
      <div className="update-foot">
        <SelectField
          label={t('Layer')}
          value={layer}
          onChange={(event) => change({ layer: event.target.value as Layer })}
        >
          {layerOptions.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {t(choice.title)}
            </option>
          ))}
        </SelectField>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={!text.trim()}>
          {update ? t('Save') : t('Post')}
        </Button>
        {onDone && (
          <Button
            variant="quiet"
            onClick={() => {
              clear()
              onDone()
            }}
          >
            {t('Cancel')}
          </Button>
        )}
      </div>
      {save.error && <Notice kind="bad">{errorMessage(save.error)}</Notice>}
    </form>
  )
}

function UpdateRow({ avee, update, onEdit }: { avee: Avee; update: AveeUpdate; onEdit: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const remove = useMutation({
    mutationFn: () => api.call(deleteUpdate, { params: { id: avee.id, update_id: update.id } }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.updates(avee.id) }),
  })
  return (
    <li className="row">
      <div className="row-body">
        <p className="update-text">{update.text}</p>
        <span className="row-facts update-facts">
          {formatTime(update.created_at)} · {t(layerLabels[update.layer].title)}
          {update.fresh && <Badge kind="accent">{t('New')}</Badge>}
        </span>
      </div>
      <div className="row-actions">
        <IconButton label={t('Edit update')} icon={Pencil} small onClick={onEdit} />
        <IconButton
          label={t('Delete update')}
          icon={Trash2}
          small
          disabled={remove.isPending}
          onClick={() => remove.mutate()}
        />
      </div>
    </li>
  )
}
