import { useMutation } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { DialogActions } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { Notice } from '../../ui/state.tsx'

/** What the user proves their identity with; an account without a password and second factor has nothing. */
export type Proof = 'password' | 'code' | 'none'

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
    mutationFn: () =>
      onConfirm(proof === 'password' ? { current_password: text } : proof === 'code' ? { code: text } : {}),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    confirmation.mutate()
  }
  return (
    <form onSubmit={submit} className="dialog-form">
      <p className="soft">{children}</p>
      {proof === 'none' ? (
        confirmation.error && <Notice kind="bad">{confirmation.error.message}</Notice>
      ) : (
        <TextField
          {...(proof === 'password'
            ? { label: 'Current password', type: 'password', autoComplete: 'current-password' }
            : {
                label: 'Code',
                hint: 'A recovery code, or the code of your app.',
                autoComplete: 'one-time-code',
              })}
          required
          autoFocus
          value={text}
          error={confirmation.error?.message}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      <DialogActions>
        <Button onClick={onCancel}>Cancel</Button>
        <Button variant={isDangerous ? 'danger' : 'primary'} type="submit" busy={confirmation.isPending}>
          {action}
        </Button>
      </DialogActions>
    </form>
  )
}
