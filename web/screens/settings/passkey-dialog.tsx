import { startRegistration } from '@simplewebauthn/browser'
import { useState } from 'react'
import { beginPasskey, createPasskey } from '../../../contract/second-factors.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { ConfirmForm } from './confirm-form.tsx'
import { describeClient } from './describe-client.ts'
import type { Proof } from './use-proof.ts'

/** Adds a passkey: asks for its name and the password, then the browser creates it. */
export function PasskeyDialog({
  proof,
  onDone,
  onClose,
}: {
  proof: Proof
  onDone: (recoveryCodes: string[] | null) => void
  onClose: () => void
}) {
  const api = useApi()
  const [name, setName] = useState(() => describeClient(navigator.userAgent))
  return (
    <Dialog open onOpenChange={onClose} title={t('Add a passkey')}>
      <TextField
        label={t('Name')}
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <ConfirmForm
        proof={proof}
        action={t('Continue')}
        onConfirm={async (body) => {
          const { options } = await api.call(beginPasskey, { body })
          const response = await startRegistration({ optionsJSON: options as never })
          const created = await api.call(createPasskey, {
            body: { name: name.trim() || t('Passkey'), response: { ...response } },
          })
          onDone(created.recovery_codes)
        }}
        onCancel={onClose}
      >
        {t('Signing in then requires your fingerprint, face, PIN or security key.')}
      </ConfirmForm>
    </Dialog>
  )
}
