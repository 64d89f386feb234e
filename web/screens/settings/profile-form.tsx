import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { updateMe } from '../../../contract/accounts.ts'
import { keys, type Me } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'
import { confirmationOf, ProofField } from './proof-field.tsx'
import { useProof } from './use-proof.ts'
import './settings-form.css'

export function ProfileForm({ me }: { me: Me }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [{ name, handle, email }, change, clear] = useDraftState('profile', {
    name: me.display_name,
    handle: me.handle ?? '',
    email: me.email ?? '',
  })
  const proof = useProof()
  const [confirmation, setConfirmation] = useState('')
  const isNewEmail = email !== '' && email !== me.email
  const changes = {
    ...(name.trim() && name.trim() !== me.display_name ? { display_name: name.trim() } : {}),
    ...(handle && handle !== me.handle ? { handle } : {}),
    ...(isNewEmail ? { email, ...confirmationOf(proof, confirmation) } : {}),
  }
  const save = useMutation({
    mutationFn: () => api.call(updateMe, { body: changes }),
    onSuccess: () => {
      setConfirmation('')
      clear()
      showToast(t('Profile saved.'))
      return queries.invalidateQueries({ queryKey: keys.me })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form className="settings-form" onSubmit={submit}>
      <TextField
        label={t('Name')}
        value={name}
        maxLength={100}
        required
        onChange={(event) => change({ name: event.target.value })}
      />
      <TextField
        label={t('Handle')}
        hint={t('Others use your handle to give you access. 3 to 30 characters: a–z, 0–9, _ and -.')}
        value={handle}
        maxLength={30}
        autoCapitalize="off"
        spellCheck={false}
        onChange={(event) => change({ handle: event.target.value.toLowerCase() })}
      />
      {me.mode === 'accounts' && (
        <TextField
          label={t('E-mail')}
          type="email"
          autoComplete="email"
          value={email}
          onChange={(event) => change({ email: event.target.value })}
        />
      )}
      {isNewEmail && me.mode === 'accounts' && (
        <ProofField proof={proof} value={confirmation} onChange={setConfirmation} />
      )}
      {save.error && <Notice kind="bad">{save.error.message}</Notice>}
      <div>
        <Button
          variant="primary"
          type="submit"
          busy={save.isPending}
          disabled={Object.keys(changes).length === 0}
        >
          {t('Save')}
        </Button>
      </div>
    </form>
  )
}
