import { useMutation } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { DialogActions } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'

/** The content of a dialog that asks for the password before an action. */
export function ConfirmForm({
  action,
  isDangerous,
  onConfirm,
  onCancel,
  children,
}: {
  action: string
  isDangerous?: boolean
  onConfirm: (confirmation: { current_password: string }) => Promise<unknown>
  onCancel: () => void
  children: ReactNode
}) {
  const [password, setPassword] = useState('')
  const confirmation = useMutation({ mutationFn: () => onConfirm({ current_password: password }) })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    confirmation.mutate()
  }
  return (
    <form onSubmit={submit} className="dialog-form">
      <p className="soft">{children}</p>
      <TextField
        label="Current password"
        type="password"
        autoComplete="current-password"
        required
        autoFocus
        value={password}
        error={confirmation.error?.message}
        onChange={(event) => setPassword(event.target.value)}
      />
      <DialogActions>
        <Button onClick={onCancel}>Cancel</Button>
        <Button variant={isDangerous ? 'danger' : 'primary'} type="submit" busy={confirmation.isPending}>
          {action}
        </Button>
      </DialogActions>
    </form>
  )
}
