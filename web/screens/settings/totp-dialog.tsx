import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { renderSVG } from 'uqr'
import { beginTotp, enableTotp } from '../../../contract/second-factors.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { ConfirmForm } from './confirm-form.tsx'
import type { Proof } from './use-proof.ts'
import './sign-in-security.css'

/** Sets up an authenticator app: asks for the password, shows the secret, and asks for a first code. */
export function TotpDialog({
  proof,
  onDone,
  onClose,
}: {
  proof: Proof
  onDone: (recoveryCodes: string[] | null) => void
  onClose: () => void
}) {
  const api = useApi()
  const [created, setCreated] = useState<{ secret: string; uri: string }>()
  const [code, setCode] = useState('')
  const enable = useMutation({
    mutationFn: () => api.call(enableTotp, { body: { code } }),
    onSuccess: ({ recovery_codes }) => onDone(recovery_codes),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    enable.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Set up an authenticator app')}>
      {created ? (
        <form onSubmit={submit} className="dialog-form">
          <p>{t('Scan this code with your authenticator app, or type the secret.')}</p>
          <img
            className="qr-code"
            alt={t('QR code of the secret')}
            src={`data:image/svg+xml,${encodeURIComponent(renderSVG(created.uri, { border: 4 }))}`}
          />
          <code className="secret">{created.secret.replaceAll(/.{4}(?=.)/g, '$& ')}</code>
          <TextField
            label={t('Code')}
            hint={t('The 6 digits that the app shows.')}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            autoFocus
            value={code}
            error={enable.error?.message}
            onChange={(event) => setCode(event.target.value)}
          />
          <DialogActions>
            <Button onClick={onClose}>{t('Cancel')}</Button>
            <Button variant="primary" type="submit" busy={enable.isPending}>
              {t('Turn on')}
            </Button>
          </DialogActions>
        </form>
      ) : (
        <ConfirmForm
          proof={proof}
          action={t('Continue')}
          onConfirm={async (body) => setCreated(await api.call(beginTotp, { body }))}
          onCancel={onClose}
        >
          {t(
            'Signing in then requires a code from an app on your phone, such as Aegis or Google Authenticator.',
          )}
        </ConfirmForm>
      )}
    </Dialog>
  )
}
