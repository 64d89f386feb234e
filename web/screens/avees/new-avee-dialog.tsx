import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type Avee, createAvee } from '../../../contract/avees.ts'
import { ApiError, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextArea, TextField } from '../../ui/field.tsx'
import { suggestHandle } from './suggest-handle.ts'

/** The least an avee needs; everything else can be said afterwards. */
export function NewAveeDialog({ onClose, onMade }: { onClose: () => void; onMade: (avee: Avee) => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [ownHandle, setOwnHandle] = useState<string>()
  const [persona, setPersona] = useState('')
  const handle = ownHandle ?? suggestHandle(name)
  const make = useMutation({
    mutationFn: () =>
      api.call(createAvee, {
        body: {
          handle,
          display_name: name.trim(),
          visibility: 'private',
          ...(persona.trim() ? { persona: persona.trim() } : {}),
        },
      }),
    onSuccess: async (avee) => {
      await queries.invalidateQueries({ queryKey: keys.avees })
      onMade(avee)
    },
  })
  const isHandleProblem =
    make.error instanceof ApiError && (make.error.status === 409 || make.error.status === 422)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (name.trim()) make.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title="New avee">
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label="Name"
          value={name}
          maxLength={100}
          autoFocus
          required
          onChange={(event) => setName(event.target.value)}
        />
        <TextField
          label="Handle"
          value={handle}
          maxLength={30}
          autoCapitalize="off"
          spellCheck={false}
          required
          error={isHandleProblem ? make.error?.message : undefined}
          hint={`Its address: ${location.host}/chat/${handle || '…'}. 3 to 30 of a–z, 0–9, _ and -.`}
          onChange={(event) => {
            setOwnHandle(event.target.value.toLowerCase())
            make.reset()
          }}
        />
        <TextArea
          label="How it speaks and what it is about"
          rows={5}
          value={persona}
          maxLength={40_000}
          placeholder="You are a patient teacher of botany. You speak plainly and like small examples."
          onChange={(event) => setPersona(event.target.value)}
        />
        {make.error && !isHandleProblem && (
          <p className="field-error" role="alert">
            {make.error.message}
          </p>
        )}
        <p className="small soft">It begins private: only you can talk with it.</p>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            type="submit"
            busy={make.isPending}
            disabled={!name.trim() || handle.length < 3}
          >
            Make it
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
