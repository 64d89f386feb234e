import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { SignInChallenge } from '../../../contract/accounts.ts'
import { verifySecondFactor } from '../../../contract/second-factors.ts'
import { useApi } from '../../api/react.tsx'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Notice } from '../../ui/state.tsx'

/** The second step of signing in. */
export function SecondFactorForm({
  challenge,
  onSignedIn,
  onCancel,
}: {
  challenge: SignInChallenge
  onSignedIn: () => void
  onCancel: () => void
}) {
  const api = useApi()
  const [code, setCode] = useState('')
  const [usesRecoveryCode, setUsesRecoveryCode] = useState(false)
  const submission = useMutation({
    mutationFn: () => api.call(verifySecondFactor, { body: { challenge: challenge.challenge, code } }),
    onSuccess: onSignedIn,
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    submission.mutate()
  }
  return (
    <form className="login-form" onSubmit={submit}>
      {submission.error && <Notice kind="bad">{submission.error.message}</Notice>}
      <TextField
        key={String(usesRecoveryCode)}
        label={usesRecoveryCode ? 'Recovery code' : 'Code'}
        hint={usesRecoveryCode ? 'Each works once.' : 'The 6 digits that your authenticator app shows.'}
        autoComplete={usesRecoveryCode ? 'off' : 'one-time-code'}
        inputMode={usesRecoveryCode ? 'text' : 'numeric'}
        required
        autoFocus
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <Button variant="primary" type="submit" busy={submission.isPending || submission.isSuccess}>
        Sign in
      </Button>
      <Button
        variant="quiet"
        onClick={() => {
          setCode('')
          setUsesRecoveryCode(!usesRecoveryCode)
        }}
      >
        {usesRecoveryCode ? 'Use your authenticator app' : 'Use a recovery code'}
      </Button>
      <Button variant="quiet" onClick={onCancel}>
        Back
      </Button>
    </form>
  )
}
