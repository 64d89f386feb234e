import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, Pencil, Plus, Trash2, Zap } from 'lucide-react'
import { useState } from 'react'
import { deleteProvider, listProviders, type ModelProvider, testProvider } from '../../../contract/models.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { formatCount } from '../../ui/format.ts'
import { Menu, MenuItem } from '../../ui/menu.tsx'
import { Badge, ErrorState, errorMessage, Skeleton } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { ProviderDialog } from './provider-dialog.tsx'
import { kindLabels } from './provider-kinds.ts'

/** Lists, adds, tests, changes and removes the services that offer models, for administrators. */
export function Providers() {
  const api = useApi()
  const [isAdding, setIsAdding] = useState(false)
  const list = useQuery({ queryKey: keys.providers, queryFn: () => api.call(listProviders) })
  return (
    <Section
      title="Providers"
      text="The services that offer models. Questions and the passages found for them are sent to the one that answers."
      actions={
        <Button icon={Plus} onClick={() => setIsAdding(true)}>
          Add provider
        </Button>
      }
    >
      {list.isPending ? (
        <Skeleton height="3.75rem" />
      ) : !list.data ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : list.data.providers.length === 0 ? (
        <p className="soft">No provider yet.</p>
      ) : (
        <ul className="rows">
          {list.data.providers.map((provider) => (
            <ProviderRow key={provider.name} provider={provider} />
          ))}
        </ul>
      )}
      {isAdding && <ProviderDialog onClose={() => setIsAdding(false)} />}
    </Section>
  )
}

function ProviderRow({ provider }: { provider: ModelProvider }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [dialog, setDialog] = useState<'edit' | 'remove'>()
  const { id, name, kind, base_url, remote, read_only, has_key, key_hint, last_error } = provider
  const refresh = () => queries.invalidateQueries({ queryKey: keys.models })
  const test = useMutation({
    mutationFn: () => api.call(testProvider, { params: { id: id ?? name } }),
    onSuccess: ({ ok, models, latency_ms, error }) =>
      ok
        ? showToast(`${name} offers ${formatCount(models, 'model')} (${latency_ms} ms).`)
        : showToast(error ?? `${name} does not answer.`, 'bad'),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  return (
    <Row
      title={
        <>
          <span className="truncate">{name}</span>
          {last_error !== null && <Badge kind="warn">Unavailable</Badge>}
        </>
      }
      facts={
        <>
          {[
            kindLabels[kind],
            base_url,
            remote ? 'Outside the private network' : 'Private network',
            has_key && (key_hint ? `Key ending in ${key_hint}` : 'Key set'),
            read_only && 'From the settings of the server',
          ]
            .filter(Boolean)
            .join(' · ')}
          {last_error !== null && <span className="provider-error">{last_error}</span>}
        </>
      }
    >
      <Button small icon={Zap} busy={test.isPending} onClick={() => test.mutate()}>
        Test
      </Button>
      {!read_only && id !== null && (
        <Menu trigger={<IconButton label={`Actions for ${name}`} icon={Ellipsis} hint={false} />}>
          <MenuItem icon={Pencil} onSelect={() => setDialog('edit')}>
            Edit
          </MenuItem>
          <MenuItem icon={Trash2} danger onSelect={() => setDialog('remove')}>
            Remove
          </MenuItem>
        </Menu>
      )}
      {dialog === 'edit' && <ProviderDialog provider={provider} onClose={() => setDialog(undefined)} />}
      <ConfirmDialog
        open={dialog === 'remove'}
        onOpenChange={() => setDialog(undefined)}
        title={`Remove ${name}?`}
        action="Remove"
        onConfirm={async () => {
          if (id !== null) await api.call(deleteProvider, { params: { id } })
          await refresh()
        }}
      >
        Its models are no longer available, and its key is deleted.
      </ConfirmDialog>
    </Row>
  )
}
