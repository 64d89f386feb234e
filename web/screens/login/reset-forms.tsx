import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { forgotPassword, minPasswordCharacters, resetPassword } from '../../../contract/accounts.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Requests a mail with a link for a new password. */
export function ForgotPasswordForm({ onBack }: { onBack: () => void }) {
  const api = useApi()
  const [email, setEmail] = useState('')
  const submission = useMutation({ mutationFn: () => api.call(forgotPassword, { body: { email } }) })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    submission.mutate()
  }
  return (
    <form className="login-form" onSubmit={submit}>
      {submission.error && <Notice kind="bad">{submission.error.message}</Notice>}
      {submission.isSuccess ? (
        <Notice>{t('If an account has this address, a link is on its way. It works for an hour.')}</Notice>
      ) : (
        <>
          <TextField
            label={t('E-mail')}
            type="email"
            autoComplete="username"
            hint={t('You receive a link for a new password.')}
            required
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
          <Button variant="primary" type="submit" busy={submission.isPending}>
            {t('Send link')}
          </Button>
        </>
      )}
      <Button variant="quiet" onClick={onBack}>
        {t('Back')}
      </Button>
    </form>
  )
}

/** Sets a new password with the token of a link. */
export function ResetForm({ token, onDone }: { token: string; onDone: () => void }) {
  const api = useApi()
  const showToast = useToast()
  const [password, setPassword] = useState('')
  const submission = useMutation({
    mutationFn: () => api.call(resetPassword, { body: { token, new_password: password } }),
    onSuccess: () => {
      showToast(t('Password changed. Sign in with it.'))
      onDone()
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    submission.mutate()
  }
  return (
    <form className="login-form" onSubmit={submit}>
      {submission.error && <Notice kind="bad">{submission.error.message}</Notice>}
      <TextField
        label={t('New password')}
        type="password"
        autoComplete="new-password"
        required
        autoFocus
        minLength={minPasswordCharacters}
        hint={t('At least {count} characters.', { count: minPasswordCharacters })}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button variant="primary" type="submit" busy={submission.isPending}>
        {t('Set password')}
      </Button>
    </form>
  )
}
