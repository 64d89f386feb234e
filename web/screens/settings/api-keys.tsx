import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { createApiKey, deleteApiKey, listApiKeys, maxRequestsPerMinute } from '../../../contract/accounts.ts'
import { type Avee, listMyAvees } from '../../../contract/avees.ts'
import type { Scope } from '../../../contract/operation.ts'
import { type ApiKey, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { rich, t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { formatTime, joinFacts } from '../../ui/format.ts'
import { NewSecret } from '../../ui/new-secret.tsx'
import { Loaded, Notice } from '../../ui/state.tsx'

/** Lists, creates and revokes API keys. */
export function ApiKeys() {
  const api = useApi()
  const [isCreating, setIsCreating] = useState(false)
  const list = useQuery({ queryKey: keys.apiKeys, queryFn: () => api.call(listApiKeys) })
  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees), staleTime: 60_000 })
  const names = new Map(mine.data?.avees.map((avee) => [avee.id, nameOf(avee)]))
  return (
    <Section
      title={t('API keys')}
      text={rich('Let other software act as you. See the <a>API documentation</a>.', {
        a: (text) => <a href="/docs">{text}</a>,
      })}
      actions={
        <Button icon={KeyRound} onClick={() => setIsCreating(true)}>
          {t('Create key')}
        </Button>
      }
    >
      <Loaded query={list} height="3.75rem">
        {({ api_keys }) =>
          api_keys.length > 0 && (
            <ul className="rows">
              {api_keys.map((key) => (
                <KeyRow
                  key={key.id}
                  apiKey={key}
                  aveeName={key.avee_id === null ? undefined : (names.get(key.avee_id) ?? t('One avee'))}
                />
              ))}
            </ul>
          )
        }
      </Loaded>
      {isCreating && <NewKeyDialog onClose={() => setIsCreating(false)} />}
    </Section>
  )
}

const nameOf = ({ is_library, display_name }: Avee): string => (is_library ? t('Your library') : display_name)

const scopesOf: Record<'all' | 'chat' | 'read', Scope[]> = {
  all: ['read', 'chat', 'manage'],
  chat: ['read', 'chat'],
  read: ['read'],
}

/** `aveeName` names the only avee that the key gives access to. */
function KeyRow({ apiKey, aveeName }: { apiKey: ApiKey; aveeName: string | undefined }) {
  const api = useApi()
  const queries = useQueryClient()
  const [isConfirming, setIsConfirming] = useState(false)
  return (
    <>
      <Row
        title={
          <>
            <span className="truncate">{apiKey.name}</span>
            <code className="soft small">{apiKey.prefix}…</code>
          </>
        }
        facts={joinFacts([
          aveeName !== undefined && t('{name} only', { name: aveeName }),
          !apiKey.scopes.includes('manage') &&
            (apiKey.scopes.includes('chat') ? t('Read and chat') : t('Read only')),
          apiKey.requests_per_minute !== null &&
            t('At most {count, number} per minute', { count: apiKey.requests_per_minute }),
          apiKey.expires_at !== null && t('Expires {time}', { time: formatTime(apiKey.expires_at) }),
          t('Created {time}', { time: formatTime(apiKey.created_at) }),
          apiKey.last_used_at
            ? t('Last used {time}', { time: formatTime(apiKey.last_used_at) })
            : t('Never used'),
        ])}
      >
        <Button small onClick={() => setIsConfirming(true)}>
          {t('Revoke')}
        </Button>
      </Row>
      <ConfirmDialog
        open={isConfirming}
        onOpenChange={setIsConfirming}
        title={t('Revoke “{name}”?', { name: apiKey.name })}
        action={t('Revoke')}
        onConfirm={async () => {
          await api.call(deleteApiKey, { params: { id: apiKey.id } })
          await queries.invalidateQueries({ queryKey: keys.apiKeys })
        }}
      >
        {t('Software that uses this key loses access immediately.')}
      </ConfirmDialog>
    </>
  )
}

function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [aveeId, setAveeId] = useState('')
  const [rights, setRights] = useState<keyof typeof scopesOf>('all')
  const [perMinute, setPerMinute] = useState('')
  const [days, setDays] = useState('')
  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees) })
  const create = useMutation({
    mutationFn: () =>
      api.call(createApiKey, {
        body: {
          name: name.trim(),
          scopes: scopesOf[rights],
          ...(aveeId ? { avee_id: aveeId } : {}),
          ...(days ? { expires_in: Number(days) * 24 * 60 * 60 } : {}),
          ...(perMinute ? { requests_per_minute: Number(perMinute) } : {}),
        },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.apiKeys }),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (name.trim()) create.mutate()
  }
  const created = create.data
  if (created) {
    return (
      <Dialog open onOpenChange={onClose} title={t('API key created')}>
        <NewSecret
          hint={t('Copy the key now. You won’t be able to see it again.')}
          text={created.key}
          onClose={onClose}
        />
      </Dialog>
    )
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Create API key')}>
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label={t('Name')}
          value={name}
          maxLength={100}
          autoFocus
          onChange={(event) => setName(event.target.value)}
        />
        <SelectField
          label={t('Permissions')}
          value={rights}
          onChange={(event) => setRights(event.target.value as keyof typeof scopesOf)}
        >
          <option value="all">{t('Read, chat and manage')}</option>
          <option value="chat">{t('Read and chat')}</option>
          <option value="read">{t('Read only')}</option>
        </SelectField>
        <SelectField label={t('Access')} value={aveeId} onChange={(event) => setAveeId(event.target.value)}>
          <option value="">{t('Full access to your account')}</option>
          {mine.data?.avees.map((avee) => (
            <option key={avee.id} value={avee.id}>
              {t('{name} only', { name: nameOf(avee) })}
            </option>
          ))}
        </SelectField>
        <SelectField label={t('Expires')} value={days} onChange={(event) => setDays(event.target.value)}>
          <option value="">{t('Never')}</option>
          <option value="30">{t('After 30 days')}</option>
          <option value="90">{t('After 90 days')}</option>
          <option value="365">{t('After a year')}</option>
        </SelectField>
        <TextField
          label={t('Requests per minute')}
          hint={t('Leave empty for no limit.')}
          type="number"
          min={1}
          max={maxRequestsPerMinute}
          value={perMinute}
          onChange={(event) => setPerMinute(event.target.value)}
        />
        {create.error && <Notice kind="bad">{create.error.message}</Notice>}
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button variant="primary" type="submit" busy={create.isPending} disabled={!name.trim()}>
            {t('Create key')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
