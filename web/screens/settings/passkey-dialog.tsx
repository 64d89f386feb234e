import { startRegistration } from '@simplewebauthn/browser'
import { useState } from 'react'
import { beginPasskey, createPasskey } from '../../../contract/second-factors.ts'
import { useApi } from '../../api/react.tsx'
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
    <Dialog open onOpenChange={onClose} title="Add a passkey">
      <TextField
        label="Name"
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <ConfirmForm
        proof={proof}
        action="Continue"
        onConfirm={async (body) => {
          const { options } = await api.call(beginPasskey, { body })
          const response = await startRegistration({ optionsJSON: options as never })
          const created = await api.call(createPasskey, {
            body: { name: name.trim() || 'Passkey', response: { ...response } },
          })
          onDone(created.recovery_codes)
        }}
        onCancel={onClose}
      >
        Signing in then asks for your fingerprint, face, PIN or security key.
      </ConfirmForm>
    </Dialog>
  )
}
