import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { deleteMe } from '../../../contract/accounts.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'

/** Everything of a person goes with their account, so the password is asked for again. */
export function DeleteAccount() {
  const api = useApi()
  const [isAsking, setIsAsking] = useState(false)
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
      title="Delete the account"
      text="Your documents, avees, conversations and keys go with it, for good."
      actions={<Button onClick={() => setIsAsking(true)}>Delete my account</Button>}
    >
      <Dialog open={isAsking} onOpenChange={setIsAsking} title="Delete your account?">
        <form onSubmit={submit} className="dialog-form">
          <p className="soft">Everything of yours on this server will be gone for good.</p>
          <TextField
            label="Your password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            error={remove.error?.message}
            onChange={(event) => setPassword(event.target.value)}
          />
          <DialogActions>
            <Button onClick={() => setIsAsking(false)}>Cancel</Button>
            <Button variant="danger" type="submit" busy={remove.isPending} disabled={!password}>
              Delete everything
            </Button>
          </DialogActions>
        </form>
      </Dialog>
    </Section>
  )
}
