import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, Pencil, Plus, Trash2, Zap } from 'lucide-react'
import { useState } from 'react'
import {
  deleteProvider,
  listProviders,
  type ModelProvider,
  type TestedAnswer,
  testProvider,
} from '../../../contract/models.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { successorText } from '../../models/model-name.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { joinFacts } from '../../ui/format.ts'
import { Menu, MenuItem } from '../../ui/menu.tsx'
import { Badge, errorMessage, Loaded } from '../../ui/state.tsx'
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
      title={t('Providers')}
      text={t(
        'The services that offer models. Questions and the passages found for them are sent to the one that answers.',
      )}
      actions={
        <Button icon={Plus} onClick={() => setIsAdding(true)}>
          {t('Add provider')}
        </Button>
      }
    >
      <Loaded query={list} height="3.75rem">
        {({ providers }) =>
          providers.length === 0 ? (
            <p className="soft">{t('No provider yet.')}</p>
          ) : (
            <ul className="rows">
              {providers.map((provider) => (
                <ProviderRow key={provider.name} provider={provider} />
              ))}
            </ul>
          )
        }
      </Loaded>
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
    mutationFn: () => api.call(testProvider, { params: { id: id ?? name }, body: { answer: true } }),
    onSuccess: ({ ok, models, latency_ms, error, answer }) =>
      ok
        ? showToast(
            t('{name} offers {count, plural, one {# model} other {# models}} ({ms} ms).', {
              name,
              count: models,
              ms: latency_ms,
            }) + (answer ? ` ${speedText(answer)}` : ''),
          )
        : showToast(error ?? t('{name} is not responding.', { name }), 'bad'),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  return (
    <Row
      title={
        <>
          <span className="truncate">{name}</span>
          {last_error !== null && <Badge kind="warn">{t('Unavailable')}</Badge>}
        </>
      }
      facts={
        <>
          {joinFacts([
            t(kindLabels[kind]),
            kind !== 'in_process' && base_url,
            remote ? t('Outside the private network') : t('Private network'),
            has_key && (key_hint ? t('Key ending in {end}', { end: key_hint }) : t('Key set')),
            read_only && kind !== 'in_process' && t('From the settings of the server'),
          ])}
          {last_error !== null && <span className="provider-error">{last_error}</span>}
        </>
      }
    >
      <Button small icon={Zap} busy={test.isPending} onClick={() => test.mutate()}>
        {t('Test')}
      </Button>
      {!read_only && id !== null && (
        <Menu trigger={<IconButton label={t('Actions for {name}', { name })} icon={Ellipsis} hint={false} />}>
          <MenuItem icon={Pencil} onSelect={() => setDialog('edit')}>
            {t('Edit')}
          </MenuItem>
          <MenuItem icon={Trash2} danger onSelect={() => setDialog('remove')}>
            {t('Remove')}
          </MenuItem>
        </Menu>
      )}
      {dialog === 'edit' && <ProviderDialog provider={provider} onClose={() => setDialog(undefined)} />}
      <ConfirmDialog
        open={dialog === 'remove'}
        onOpenChange={() => setDialog(undefined)}
        title={t('Remove {name}?', { name })}
        action={t('Remove')}
        onConfirm={async () => {
          const removed = id === null ? undefined : await api.call(deleteProvider, { params: { id } })
          if (removed?.active_model) showToast(successorText(removed.active_model))
          await refresh()
        }}
      >
        {t('Its models are no longer available, and its key is deleted.')}
      </ConfirmDialog>
    </Row>
  )
}

const speedText = ({ model, first_token_ms, tokens_per_second }: TestedAnswer): string =>
  tokens_per_second === null
    ? t('{model} starts to answer after {ms} ms.', { model, ms: first_token_ms })
    : t('{model} starts to answer after {ms} ms and writes {rate, number} tokens per second.', {
        model,
        ms: first_token_ms,
        rate: tokens_per_second,
      })
