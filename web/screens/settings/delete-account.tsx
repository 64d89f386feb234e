import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { deleteMe } from '../../../contract/accounts.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { useHasPassword } from './use-has-password.ts'

/** Deletes the user's account after asking for the password again. */
export function DeleteAccount() {
  const api = useApi()
  const hasPassword = useHasPassword()
  const [isConfirming, setIsConfirming] = useState(false)
  const [password, setPassword] = useState('')
  const remove = useMutation({
    mutationFn: () => api.call(deleteMe, { body: { password } }),
    onSuccess: () => location.assign('/login'),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    remove.mutate()
  }
  return (
    <Section
      title="Delete account"
      text="Permanently deletes your account with all documents, avees, conversations and API keys."
      actions={<Button onClick={() => setIsConfirming(true)}>Delete account</Button>}
    >
      <Dialog open={isConfirming} onOpenChange={setIsConfirming} title="Delete your account?">
        <form onSubmit={submit} className="dialog-form">
          <p className="soft">All your data on this server will be permanently deleted.</p>
          {hasPassword && (
            <TextField
              label="Password"
              type="password"
              autoComplete="current-password"
              required
              value={password}
              error={remove.error?.message}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
          <DialogActions>
            <Button onClick={() => setIsConfirming(false)}>Cancel</Button>
            <Button
              variant="danger"
              type="submit"
              busy={remove.isPending}
              disabled={hasPassword && !password}
            >
              Delete account
            </Button>
          </DialogActions>
        </form>
      </Dialog>
    </Section>
  )
}
