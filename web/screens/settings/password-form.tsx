import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changePassword, minPasswordCharacters } from '../../../contract/accounts.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { confirmationOf, ProofField } from './proof-field.tsx'
import { useProof } from './use-proof.ts'
import './settings-form.css'

export function PasswordForm() {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const proof = useProof()
  const hasPassword = proof === 'password'
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const save = useMutation({
    mutationFn: () =>
      api.call(changePassword, { body: { ...confirmationOf(proof, current), new_password: next } }),
    onSuccess: () => {
      setCurrent('')
      setNext('')
      showToast(hasPassword ? t('Password changed.') : t('Password set.'))
      return queries.invalidateQueries({ queryKey: keys.factors })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form className="settings-form" onSubmit={submit}>
      <ProofField proof={proof} value={current} onChange={setCurrent} />
      <TextField
        label={t('New password')}
        type="password"
        autoComplete="new-password"
        hint={t('At least {count} characters.', { count: minPasswordCharacters })}
        minLength={minPasswordCharacters}
        required
        value={next}
        onChange={(event) => setNext(event.target.value)}
      />
      {save.error && <Notice kind="bad">{save.error.message}</Notice>}
      <div>
        <Button
          variant="primary"
          type="submit"
          busy={save.isPending}
          disabled={(proof !== 'none' && !current) || next.length < minPasswordCharacters}
        >
          {hasPassword ? t('Change password') : t('Set password')}
        </Button>
      </div>
    </form>
  )
}
