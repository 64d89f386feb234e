import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import {
  type Avee,
  deletePermission,
  listPermissions,
  type Permission,
  setPermission,
} from '../../../contract/avees.ts'
import type { Layer } from '../../../contract/layers.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { layerOptions } from '../../documents/layers.ts'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { SmallSelect } from '../../ui/field.tsx'
import { Avatar, Badge, EmptyState, errorMessage, Loaded, Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import './access-settings.css'

/** Who has access to an avee, and up to which layer. */
export function AccessSettings({ avee }: { avee: Avee }) {
  const api = useApi()
  const grants = useQuery({
    queryKey: keys.grants(avee.id),
    queryFn: () => api.call(listPermissions, { params: { id: avee.id } }),
  })
  return (
    <div className="stack">
      <Section
        title={t('Layers')}
        text={t(
          'Every document belongs to a layer. People see their layer and the more public ones. Answers to them never use anything more private.',
        )}
      >
        <dl className="layers">
          {layerOptions.map((layer) => (
            <div key={layer.value}>
              <dt>{t(layer.title)}</dt>
              <dd>{t(layer.description)}</dd>
            </div>
          ))}
        </dl>
      </Section>
      <Section title={t('People with access')}>
        <InviteForm avee={avee} />
        <Loaded query={grants} height="4rem">
          {({ permissions }) =>
            permissions.length === 0 ? (
              <EmptyState title={t('No one yet')}>{t('People with access appear here.')}</EmptyState>
            ) : (
              <ul className="rows">
                {permissions.map((grant) => (
                  <GrantRow key={grant.user_id} avee={avee} grant={grant} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Section>
    </div>
  )
}

function InviteForm({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const [handle, setHandle] = useState('')
  const [layer, setLayer] = useState<Layer>('friends')
  const grant = useMutation({
    mutationFn: () =>
      api.call(setPermission, {
        params: { id: avee.id, user_id: handle.trim().replace(/^@/, '') },
        body: { max_layer: layer },
      }),
    onSuccess: () => {
      setHandle('')
      return queries.invalidateQueries({ queryKey: keys.grants(avee.id) })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (handle.trim()) grant.mutate()
  }
  return (
    <>
      <form className="invite-form" onSubmit={submit}>
        <input
          className="input"
          aria-label={t('Handle')}
          placeholder={`@${t('handle')}`}
          autoCapitalize="off"
          spellCheck={false}
          value={handle}
          onChange={(event) => setHandle(event.target.value)}
        />
        <LayerSelect label={t('Layer')} value={layer} onChange={setLayer} />
        <Button type="submit" busy={grant.isPending} disabled={!handle.trim()}>
          {t('Invite')}
        </Button>
      </form>
      {grant.error && <Notice kind="bad">{grant.error.message}</Notice>}
    </>
  )
}

function LayerSelect({
  label,
  value,
  onChange,
  disabled,
}: {
  label: string
  value: Layer
  onChange: (layer: Layer) => void
  disabled?: boolean
}) {
  return (
    <SmallSelect
      label={label}
      value={value}
      disabled={disabled}
      onChange={(event) => onChange(event.target.value as Layer)}
    >
      {layerOptions.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {t(choice.title)}
        </option>
      ))}
    </SmallSelect>
  )
}

function GrantRow({ avee, grant }: { avee: Avee; grant: Permission }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const options = {
    onError: (error: unknown) => showToast(errorMessage(error), 'bad'),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.grants(avee.id) }),
  }
  const change = useMutation({
    mutationFn: (layer: Layer) =>
      api.call(setPermission, {
        params: { id: avee.id, user_id: grant.user_id },
        body: { max_layer: layer },
      }),
    ...options,
  })
  const revoke = useMutation({
    mutationFn: () => api.call(deletePermission, { params: { id: avee.id, user_id: grant.user_id } }),
    ...options,
  })
  return (
    <li className="row">
      <Avatar name={grant.display_name} size={32} />
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{grant.display_name}</span>
          {grant.is_follower && <Badge>{t('Follower')}</Badge>}
        </span>
        {grant.handle && (
          <span className="row-facts">
            <bdi>@{grant.handle}</bdi>
          </span>
        )}
      </div>
      <div className="row-actions">
        <LayerSelect
          label={t('Layer of {name}', { name: grant.display_name })}
          value={change.isPending ? change.variables : grant.max_layer}
          disabled={change.isPending}
          onChange={(layer) => change.mutate(layer)}
        />
        <IconButton
          label={t('Remove access of {name}', { name: grant.display_name })}
          icon={X}
          small
          disabled={revoke.isPending}
          onClick={() => revoke.mutate()}
        />
      </div>
    </li>
  )
}
