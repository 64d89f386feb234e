import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { createApiKey, deleteApiKey, listApiKeys, maxRequestsPerMinute } from '../../../contract/accounts.ts'
import { type Avee, listMyAvees } from '../../../contract/avees.ts'
import type { Scope } from '../../../contract/operation.ts'
import { type ApiKey, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { formatTime } from '../../ui/format.ts'
import { NewSecret } from '../../ui/new-secret.tsx'
import { ErrorState, Notice, Skeleton } from '../../ui/state.tsx'

/** Lists, creates and revokes API keys. */
export function ApiKeys() {
  const api = useApi()
  const [isCreating, setIsCreating] = useState(false)
  const list = useQuery({ queryKey: keys.apiKeys, queryFn: () => api.call(listApiKeys) })
  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees), staleTime: 60_000 })
  const names = new Map(mine.data?.avees.map((avee) => [avee.id, nameOf(avee)]))
  return (
    <Section
      title="API keys"
      text={
        <>
          Let other software act as you. See the <a href="/docs">API documentation</a>.
        </>
      }
      actions={
        <Button icon={KeyRound} onClick={() => setIsCreating(true)}>
          Create key
        </Button>
      }
    >
      {list.isPending ? (
        <Skeleton height="3.75rem" />
      ) : !list.data ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        list.data.api_keys.length > 0 && (
          <ul className="rows">
            {list.data.api_keys.map((key) => (
              <KeyRow
                key={key.id}
                apiKey={key}
                aveeName={key.avee_id === null ? undefined : (names.get(key.avee_id) ?? 'One avee')}
              />
            ))}
          </ul>
        )
      )}
      {isCreating && <NewKeyDialog onClose={() => setIsCreating(false)} />}
    </Section>
  )
}

const nameOf = ({ is_library, display_name }: Avee): string => (is_library ? 'Your library' : display_name)

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
        facts={
          <>
            {aveeName === undefined ? '' : `${aveeName} only · `}
            {apiKey.scopes.includes('manage')
              ? ''
              : apiKey.scopes.includes('chat')
                ? 'Read and chat · '
                : 'Read only · '}
            {apiKey.requests_per_minute === null
              ? ''
              : `At most ${apiKey.requests_per_minute.toLocaleString('en')} per minute · `}
            {apiKey.expires_at === null ? '' : `Expires ${formatTime(apiKey.expires_at)} · `}
            Created {formatTime(apiKey.created_at)} ·{' '}
            {apiKey.last_used_at ? `Last used ${formatTime(apiKey.last_used_at)}` : 'Never used'}
          </>
        }
      >
        <Button small onClick={() => setIsConfirming(true)}>
          Revoke
        </Button>
      </Row>
      <ConfirmDialog
        open={isConfirming}
        onOpenChange={setIsConfirming}
        title={`Revoke “${apiKey.name}”?`}
        action="Revoke"
        onConfirm={async () => {
          await api.call(deleteApiKey, { params: { id: apiKey.id } })
          await queries.invalidateQueries({ queryKey: keys.apiKeys })
        }}
      >
        Software that uses this key loses access immediately.
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
      <Dialog open onOpenChange={onClose} title="API key created">
        <NewSecret
          hint="Copy the key now. You won’t be able to see it again."
          text={created.key}
          onClose={onClose}
        />
      </Dialog>
    )
  }
  return (
    <Dialog open onOpenChange={onClose} title="Create API key">
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label="Name"
          value={name}
          maxLength={100}
          autoFocus
          onChange={(event) => setName(event.target.value)}
        />
        <SelectField
          label="Permissions"
          value={rights}
          onChange={(event) => setRights(event.target.value as keyof typeof scopesOf)}
        >
          <option value="all">Read, chat and manage</option>
          <option value="chat">Read and chat</option>
          <option value="read">Read only</option>
        </SelectField>
        <SelectField label="Access" value={aveeId} onChange={(event) => setAveeId(event.target.value)}>
          <option value="">Full access to your account</option>
          {mine.data?.avees.map((avee) => (
            <option key={avee.id} value={avee.id}>
              {nameOf(avee)} only
            </option>
          ))}
        </SelectField>
        <SelectField label="Expires" value={days} onChange={(event) => setDays(event.target.value)}>
          <option value="">Never</option>
          <option value="30">After 30 days</option>
          <option value="90">After 90 days</option>
          <option value="365">After a year</option>
        </SelectField>
        <TextField
          label="Requests per minute"
          hint="Leave empty for no limit."
          type="number"
          min={1}
          max={maxRequestsPerMinute}
          value={perMinute}
          onChange={(event) => setPerMinute(event.target.value)}
        />
        {create.error && <Notice kind="bad">{create.error.message}</Notice>}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" busy={create.isPending} disabled={!name.trim()}>
            Create key
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
