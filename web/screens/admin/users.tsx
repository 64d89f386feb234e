import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, KeyRound, Shield, ShieldOff, Trash2, UserCheck, UserX } from 'lucide-react'
import { useState } from 'react'
import {
  type AdminUser,
  createPasswordReset,
  deleteUser,
  removeFactors,
  updateUser,
} from '../../../contract/admin.ts'
import { keys, type Me } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { ButtonLink, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx'
import { SearchField } from '../../ui/field.tsx'
import { formatTime, joinFacts } from '../../ui/format.ts'
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx'
import { NewSecret } from '../../ui/new-secret.tsx'
import { Avatar, Badge, EmptyState, errorMessage, Loaded } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { Invitations } from './invitations.tsx'
import { useUsers } from './use-users.ts'

/** The number of users from which on the search field is shown. */
const searchableUsers = 8

/** Lists users and invitations, and changes the rights of users. */
export function Users({ me }: { me: Me }) {
  const users = useUsers()
  const [searchText, setSearchText] = useState('')
  const words = searchText.trim().toLowerCase()
  const all = users.data ?? []
  const found = all.filter(({ display_name, email, handle }) =>
    `${display_name} ${email} ${handle}`.toLowerCase().includes(words),
  )
  return (
    <div className="stack">
      <Section
        title={t('Users')}
        actions={
          all.length >= searchableUsers && (
            <SearchField
              label={t('Search users')}
              value={searchText}
              onChange={(event) => setSearchText(event.target.value)}
            />
          )
        }
      >
        <Loaded query={users} height="12rem">
          {() =>
            found.length === 0 ? (
              <EmptyState title={t('No results')} />
            ) : (
              <ul className="rows">
                {found.map((user) => (
                  <UserRow key={user.id} user={user} isSelf={user.id === me.id} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Section>
      {me.mode === 'accounts' ? (
        <Invitations />
      ) : (
        <Section
          title={t('Invitations')}
          text={t('This server has no accounts yet. Create the first one to invite others.')}
          actions={<ButtonLink href="/login">{t('Create first account')}</ButtonLink>}
        />
      )}
    </div>
  )
}

function UserRow({ user, isSelf }: { user: AdminUser; isSelf: boolean }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [dialog, setDialog] = useState<
    'disable' | 'delete' | 'factors' | { url: string; expiresAt: string }
  >()
  const close = (): void => setDialog(undefined)
  const params = { id: user.id }
  const refresh = () => queries.invalidateQueries({ queryKey: keys.admin })
  const change = useMutation({
    mutationFn: (body: { is_admin?: boolean; disabled?: boolean }) => api.call(updateUser, { params, body }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  const reset = useMutation({
    mutationFn: () => api.call(createPasswordReset, { params }),
    onSuccess: ({ url, expires_at }) => setDialog({ url, expiresAt: expires_at }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  return (
    <Row
      title={
        <>
          <Avatar name={user.display_name} size={28} />
          <span className="truncate" dir="auto">
            {user.display_name}
          </span>
          {user.is_admin && <Badge kind="accent">{t('Administrator')}</Badge>}
          {user.disabled && <Badge kind="warn">{t('Disabled')}</Badge>}
        </>
      }
      facts={joinFacts([
        user.email ?? t('No sign-in'),
        user.handle && `@${user.handle}`,
        user.second_factor && t('Second factor'),
        user.last_used_at
          ? t('Last active {time}', { time: formatTime(user.last_used_at) })
          : t('Never signed in'),
        isSelf && t('You'),
      ])}
    >
      {!(isSelf && user.email === null) && (
        <Menu
          trigger={
            <IconButton
              label={t('Actions for {name}', { name: user.display_name })}
              icon={Ellipsis}
              hint={false}
            />
          }
        >
          <MenuItem
            icon={user.is_admin ? ShieldOff : Shield}
            onSelect={() => change.mutate({ is_admin: !user.is_admin })}
          >
            {user.is_admin ? t('Remove administrator rights') : t('Make administrator')}
          </MenuItem>
          {!isSelf && (
            <>
              <MenuItem icon={KeyRound} onSelect={() => reset.mutate()}>
                {t('Create password link')}
              </MenuItem>
              {user.second_factor && (
                <MenuItem icon={ShieldOff} onSelect={() => setDialog('factors')}>
                  {t('Remove second factors')}
                </MenuItem>
              )}
              <MenuSeparator />
              {user.disabled ? (
                <MenuItem icon={UserCheck} onSelect={() => change.mutate({ disabled: false })}>
                  {t('Enable')}
                </MenuItem>
              ) : (
                <MenuItem icon={UserX} onSelect={() => setDialog('disable')}>
                  {t('Disable')}
                </MenuItem>
              )}
              <MenuItem icon={Trash2} danger onSelect={() => setDialog('delete')}>
                {t('Delete')}
              </MenuItem>
            </>
          )}
        </Menu>
      )}
      <ConfirmDialog
        open={dialog === 'disable'}
        onOpenChange={close}
        title={t('Disable {name}?', { name: user.display_name })}
        action={t('Disable')}
        onConfirm={() => change.mutateAsync({ disabled: true })}
      >
        {t(
          'They are signed out and cannot sign in again, and their API keys stop working. Nothing is deleted.',
        )}
      </ConfirmDialog>
      <ConfirmDialog
        open={dialog === 'delete'}
        onOpenChange={close}
        title={t('Delete {name}?', { name: user.display_name })}
        action={t('Delete')}
        onConfirm={async () => {
          await api.call(deleteUser, { params })
          await refresh()
        }}
      >
        {t('All their documents, avees, conversations and API keys are deleted. This cannot be undone.')}
      </ConfirmDialog>
      <ConfirmDialog
        open={dialog === 'factors'}
        onOpenChange={close}
        title={t('Remove the second factors of {name}?', { name: user.display_name })}
        action={t('Remove')}
        onConfirm={async () => {
          await api.call(removeFactors, { params })
          await refresh()
        }}
      >
        {t('They can then sign in with their password only.')}
      </ConfirmDialog>
      {typeof dialog === 'object' && (
        <Dialog open onOpenChange={close} title={t('Password link')}>
          <NewSecret
            hint={t('Send this link to {name}. It sets a new password once, until {time}.', {
              name: user.display_name,
              time: formatTime(dialog.expiresAt),
            })}
            text={dialog.url}
            onClose={close}
          />
        </Dialog>
      )}
    </Row>
  )
}
