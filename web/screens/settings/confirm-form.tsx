import { useMutation } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { DialogActions } from '../../ui/dialog.tsx'
import { Notice } from '../../ui/state.tsx'
import { confirmationOf, ProofField } from './proof-field.tsx'
import type { Proof } from './use-proof.ts'

/** The content of a dialog that asks for the password, or for a code of an account without one, before an action. */
export function ConfirmForm({
  action,
  isDangerous,
  proof,
  onConfirm,
  onCancel,
  children,
}: {
  action: string
  isDangerous?: boolean
  proof: Proof
  onConfirm: (confirmation: { current_password?: string; code?: string }) => Promise<unknown>
  onCancel: () => void
  children: ReactNode
}) {
  const [text, setText] = useState('')
  const confirmation = useMutation({
    mutationFn: () => onConfirm(confirmationOf(proof, text)),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    confirmation.mutate()
  }
  return (
    <form onSubmit={submit} className="dialog-form">
      <p className="soft">{children}</p>
      <ProofField
        proof={proof}
        autoFocus
        value={text}
        error={confirmation.error?.message}
        onChange={setText}
      />
      {proof === 'none' && confirmation.error && <Notice kind="bad">{confirmation.error.message}</Notice>}
      <DialogActions>
        <Button onClick={onCancel}>{t('Cancel')}</Button>
        <Button variant={isDangerous ? 'danger' : 'primary'} type="submit" busy={confirmation.isPending}>
          {action}
        </Button>
      </DialogActions>
    </form>
  )
}
