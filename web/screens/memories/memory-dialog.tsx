import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { createMemory, type Memory, type MemoryType, updateMemory } from '../../../contract/memory.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { SelectField, TextArea } from '../../ui/field.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'

type AveeOption = { id: string; name: string }

/** Edits a memory, or without one adds a memory to one of `avees`. */
export function MemoryDialog({
  memory,
  avees = [],
  onClose,
}: {
  memory?: Memory
  avees?: AveeOption[]
  onClose: () => void
}) {
  const api = useApi()
  const queries = useQueryClient()
  const [{ content }, change, clear] = useDraftState(`memory ${memory?.id ?? 'new'}`, {
    content: memory?.content ?? '',
  })
  const [type, setType] = useState<MemoryType>(memory?.type ?? 'fact')
  const [isLocal, setIsLocal] = useState(memory?.local_only ?? false)
  const [avee, setAvee] = useState(avees[0]?.id ?? '')
  const save = useMutation({
    mutationFn: () => {
      const body = { content: content.trim(), type, local_only: isLocal }
      return memory
        ? api.call(updateMemory, { params: { id: memory.id }, body })
        : api.call(createMemory, { body: { ...body, avee } })
    },
    onSuccess: async () => {
      clear()
      onClose()
      await queries.invalidateQueries({ queryKey: keys.memories })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (content.trim()) save.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={memory ? t('Edit memory') : t('Add memory')}>
      <form onSubmit={submit} className="dialog-form">
        {!memory && (
          <SelectField label={t('Avee')} value={avee} onChange={(event) => setAvee(event.target.value)}>
            {avees.map((option) => (
              <option key={option.id} value={option.id}>
                {option.name}
              </option>
            ))}
          </SelectField>
        )}
        <TextArea
          label={t('Text')}
          value={content}
          maxLength={500}
          rows={3}
          autoFocus
          error={save.error?.message}
          onChange={(event) => change({ content: event.target.value })}
        />
        <SelectField
          label={t('Type')}
          value={type}
          onChange={(event) => setType(event.target.value as MemoryType)}
        >
          <option value="fact">{t('Fact')}</option>
          <option value="preference">{t('Preference')}</option>
          <option value="relationship">{t('Relationship')}</option>
          <option value="event">{t('Event')}</option>
        </SelectField>
        <label className="check">
          <input type="checkbox" checked={isLocal} onChange={(event) => setIsLocal(event.target.checked)} />
          {t('Local models only (never sent to a remote service)')}
        </label>
        <DialogActions>
          <Button
            onClick={() => {
              clear()
              onClose()
            }}
          >
            {t('Cancel')}
          </Button>
          <Button variant="primary" type="submit" busy={save.isPending} disabled={!content.trim()}>
            {t('Save')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
