import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Check, Copy, KeyRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { createApiKey, deleteApiKey, listApiKeys } from '../../../contract/accounts.ts'
import { listMyAvees } from '../../../contract/avees.ts'
import { type ApiKey, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { useCopy } from '../../ui/copy.ts'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { formatTime } from '../../ui/format.ts'
import { ErrorState, Notice, Skeleton } from '../../ui/state.tsx'

/** Keys with which other software comes in as oneself. */
export function ApiKeys() {
  const api = useApi()
  const [isMaking, setIsMaking] = useState(false)
  const list = useQuery({ queryKey: keys.apiKeys, queryFn: () => api.call(listApiKeys) })
  return (
    <Section
      title="API keys"
      text={
        <>
          For other software, in your name. What it can do stands in the <a href="/docs">API documentation</a>
          .
        </>
      }
      actions={
        <Button icon={KeyRound} onClick={() => setIsMaking(true)}>
          New key
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
              <KeyRow key={key.id} apiKey={key} />
            ))}
          </ul>
        )
      )}
      {isMaking && <NewKeyDialog onClose={() => setIsMaking(false)} />}
    </Section>
  )
}

function KeyRow({ apiKey }: { apiKey: ApiKey }) {
  const api = useApi()
  const queries = useQueryClient()
  const [isAsking, setIsAsking] = useState(false)
  return (
    <li className="row">
      <div className="row-body">
        <span className="row-title">
          <span className="truncate">{apiKey.name}</span>
          <code className="soft small">{apiKey.prefix}…</code>
        </span>
        <span className="row-facts">
          {apiKey.avee_id ? 'For one avee · ' : ''}made {formatTime(apiKey.created_at)} ·{' '}
          {apiKey.last_used_at ? `last used ${formatTime(apiKey.last_used_at)}` : 'never used'}
        </span>
      </div>
      <div className="row-actions">
        <Button small onClick={() => setIsAsking(true)}>
          Revoke
        </Button>
      </div>
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setIsAsking}
        title={`Revoke “${apiKey.name}”?`}
        action="Revoke"
        onConfirm={async () => {
          await api.call(deleteApiKey, { params: { id: apiKey.id } })
          await queries.invalidateQueries({ queryKey: keys.apiKeys })
        }}
      >
        Software that uses this key is shut out at once.
      </ConfirmDialog>
    </li>
  )
}

function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [aveeId, setAveeId] = useState('')
  const [isCopied, copy] = useCopy()
  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees) })
  const make = useMutation({
    mutationFn: () =>
      api.call(createApiKey, { body: { name: name.trim(), ...(aveeId ? { avee_id: aveeId } : {}) } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.apiKeys }),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (name.trim()) make.mutate()
  }
  const made = make.data
  if (made) {
    return (
      <Dialog open onOpenChange={onClose} title="Your new key">
        <p>Copy it now: it is shown this once and stored only as a fingerprint.</p>
        <div className="new-key">
          <code>{made.key}</code>
          <Button small icon={isCopied ? Check : Copy} onClick={() => copy(made.key)}>
            {isCopied ? 'Copied' : 'Copy'}
          </Button>
        </div>
        <DialogActions>
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        </DialogActions>
      </Dialog>
    )
  }
  return (
    <Dialog open onOpenChange={onClose} title="New API key">
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label="What it is for"
          value={name}
          maxLength={100}
          autoFocus
          onChange={(event) => setName(event.target.value)}
        />
        <SelectField
          label="What it may reach"
          value={aveeId}
          onChange={(event) => setAveeId(event.target.value)}
        >
          <option value="">Everything that is yours</option>
          {mine.data?.avees.map((avee) => (
            <option key={avee.id} value={avee.id}>
              Only {avee.is_library ? 'your library' : avee.display_name}
            </option>
          ))}
        </SelectField>
        {make.error && <Notice kind="bad">{make.error.message}</Notice>}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" busy={make.isPending} disabled={!name.trim()}>
            Make the key
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
