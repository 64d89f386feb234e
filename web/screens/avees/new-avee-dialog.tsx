import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { FormEvent } from 'react'
import { type Avee, createAvee } from '../../../contract/avees.ts'
import { suggestHandle } from '../../../contract/suggest-handle.ts'
import { ApiError, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextArea, TextField } from '../../ui/field.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'

/** Creates an avee from its name, handle and persona. */
export function NewAveeDialog({
  onClose,
  onCreated,
}: {
  onClose: () => void
  onCreated: (avee: Avee) => void
}) {
  const api = useApi()
  const queries = useQueryClient()
  const [{ name, customHandle, persona }, change, clear] = useDraftState<{
    name: string
    customHandle: string | null
    persona: string
  }>('new avee', { name: '', customHandle: null, persona: '' })
  const handle = customHandle ?? suggestHandle(name)
  const create = useMutation({
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
      clear()
      await queries.invalidateQueries({ queryKey: keys.avees })
      onCreated(avee)
    },
  })
  const isHandleRejected =
    create.error instanceof ApiError && (create.error.status === 409 || create.error.status === 422)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (name.trim()) create.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Create avee')}>
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label={t('Name')}
          value={name}
          maxLength={100}
          autoFocus
          required
          onChange={(event) => change({ name: event.target.value })}
        />
        <TextField
          label={t('Handle')}
          value={handle}
          maxLength={30}
          autoCapitalize="off"
          spellCheck={false}
          required
          error={isHandleRejected ? create.error?.message : undefined}
          hint={[
            t('3 to 30 characters: a–z, 0–9, _ and -.'),
            handle && t('Link: {url}', { url: `${location.host}/chat/${handle}` }),
          ]
            .filter(Boolean)
            .join(' ')}
          onChange={(event) => {
            change({ customHandle: event.target.value.toLowerCase() })
            create.reset()
          }}
        />
        <TextArea
          label={t('Persona')}
          rows={5}
          value={persona}
          maxLength={40_000}
          placeholder={t('You are a patient teacher of botany. You speak plainly and like small examples.')}
          onChange={(event) => change({ persona: event.target.value })}
        />
        {create.error && !isHandleRejected && (
          <p className="field-error" role="alert">
            {create.error.message}
          </p>
        )}
        <p className="small soft">{t('New avees are private. Only you can chat with them.')}</p>
        <DialogActions>
          <Button
            onClick={() => {
              clear()
              onClose()
            }}
          >
            {t('Cancel')}
          </Button>
          <Button
            variant="primary"
            type="submit"
            busy={create.isPending}
            disabled={!name.trim() || handle.length < 3}
          >
            {t('Create')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
