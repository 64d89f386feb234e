import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { UserPlus } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { createInvitation, deleteInvitation, listInvitations } from '../../../contract/accounts.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { formatTime } from '../../ui/format.ts'
import { NewSecret } from '../../ui/new-secret.tsx'
import { Loaded, Notice } from '../../ui/state.tsx'

/** Lists, creates and revokes invitations, for administrators. */
export function Invitations() {
  const api = useApi()
  const queries = useQueryClient()
  const [isCreating, setIsCreating] = useState(false)
  const list = useQuery({ queryKey: keys.invitations, queryFn: () => api.call(listInvitations) })
  const revoke = useMutation({
    mutationFn: (id: string) => api.call(deleteInvitation, { params: { id } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.invitations }),
  })
  return (
    <Section
      title={t('Invitations')}
      text={t('Each invitation creates one account on this server.')}
      actions={
        <Button icon={UserPlus} onClick={() => setIsCreating(true)}>
          {t('Invite')}
        </Button>
      }
    >
      <Loaded query={list} height="3.75rem">
        {({ invitations }) =>
          invitations.length > 0 && (
            <ul className="rows">
              {invitations.map(({ id, email, expires_at }) => (
                <Row
                  key={id}
                  title={email ?? t('Any e-mail address')}
                  facts={t('Expires {time}', { time: formatTime(expires_at) })}
                >
                  <Button small busy={revoke.isPending} onClick={() => revoke.mutate(id)}>
                    {t('Revoke')}
                  </Button>
                </Row>
              ))}
            </ul>
          )
        }
      </Loaded>
      {isCreating && <InviteDialog onClose={() => setIsCreating(false)} />}
    </Section>
  )
}

function InviteDialog({ onClose }: { onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [email, setEmail] = useState('')
  const create = useMutation({
    mutationFn: () => api.call(createInvitation, { body: email ? { email } : {} }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.invitations }),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Invite')}>
      {create.data ? (
        <NewSecret
          hint={
            create.data.mailed
              ? t('The link was sent to {email}.', { email: create.data.email })
              : t('Send this link now. You won’t be able to see it again. It creates one account.')
          }
          text={create.data.url}
          onClose={onClose}
        />
      ) : (
        <form onSubmit={submit} className="dialog-form">
          <TextField
            label={t('E-mail')}
            type="email"
            hint={t('Optional. Only this address can use the invitation.')}
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
          {create.error && <Notice kind="bad">{create.error.message}</Notice>}
          <DialogActions>
            <Button onClick={onClose}>{t('Cancel')}</Button>
            <Button variant="primary" type="submit" busy={create.isPending}>
              {t('Create invitation')}
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  )
}
