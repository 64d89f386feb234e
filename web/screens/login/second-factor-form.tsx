import { startAuthentication } from '@simplewebauthn/browser'
import { useMutation } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { SignInChallenge } from '../../../contract/accounts.ts'
import { requestPasskey, verifySecondFactor } from '../../../contract/second-factors.ts'
import { useApi } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Notice } from '../../ui/state.tsx'

type Challenge = Pick<SignInChallenge, 'challenge' | 'factors'>
type Method = SignInChallenge['factors'][number] | 'recovery_code'

const switchTexts: Record<Method, Message> = {
  passkey: message('Use a passkey'),
  totp: message('Use your authenticator app'),
  recovery_code: message('Use a recovery code'),
}

/** The second step of signing in. */
export function SecondFactorForm({
  challenge: { challenge, factors },
  onSignedIn,
  onCancel,
}: {
  challenge: Challenge
  onSignedIn: () => void
  onCancel: () => void
}) {
  const api = useApi()
  const methods: Method[] = [...factors.toSorted(), 'recovery_code']
  const [method, setMethod] = useState<Method>(methods[0] ?? 'recovery_code')
  const [code, setCode] = useState('')
  const submission = useMutation({
    mutationFn: async () => {
      if (method !== 'passkey') return await api.call(verifySecondFactor, { body: { challenge, code } })
      const { options } = await api.call(requestPasskey, { body: { challenge } })
      const passkey = await startAuthentication({ optionsJSON: options as never })
      return await api.call(verifySecondFactor, { body: { challenge, passkey: { ...passkey } } })
    },
    onSuccess: onSignedIn,
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    submission.mutate()
  }
  const isBusy = submission.isPending || submission.isSuccess
  return (
    <form className="login-form" onSubmit={submit}>
      {submission.error && <Notice kind="bad">{submission.error.message}</Notice>}
      {method === 'passkey' ? (
        <Button variant="primary" type="submit" icon={KeyRound} busy={isBusy} autoFocus>
          {t('Use your passkey')}
        </Button>
      ) : (
        <>
          <TextField
            key={method}
            {...(method === 'totp'
              ? {
                  label: t('Code'),
                  hint: t('The 6 digits that your authenticator app shows.'),
                  autoComplete: 'one-time-code',
                  inputMode: 'numeric',
                }
              : { label: t('Recovery code'), hint: t('Each code works once.'), autoComplete: 'off' })}
            required
            autoFocus
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
          <Button variant="primary" type="submit" busy={isBusy}>
            {t('Sign in')}
          </Button>
        </>
      )}
      {methods
        .filter((other) => other !== method)
        .map((other) => (
          <Button
            key={other}
            variant="quiet"
            onClick={() => {
              submission.reset()
              setCode('')
              setMethod(other)
            }}
          >
            {t(switchTexts[other])}
          </Button>
        ))}
      <Button variant="quiet" onClick={onCancel}>
        {t('Back')}
      </Button>
    </form>
  )
}
