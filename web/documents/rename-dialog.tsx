import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type Document, updateDocument } from '../../contract/knowledge.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Button } from '../ui/button.tsx'
import { Dialog, DialogActions } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'

export function RenameDialog({
  document,
  onClose,
  onRenamed,
}: {
  document: Document
  onClose: () => void
  onRenamed: () => Promise<unknown>
}) {
  const api = useApi()
  const [title, setTitle] = useState(document.title)
  const rename = useMutation({
    mutationFn: () =>
      api.call(updateDocument, { params: { id: document.id }, body: { title: title.trim() } }),
    onSuccess: async () => {
      onClose()
      await onRenamed()
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (title.trim()) rename.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Rename document')}>
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label={t('Title')}
          value={title}
          maxLength={300}
          autoFocus
          error={rename.error?.message}
          onChange={(event) => setTitle(event.target.value)}
        />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button variant="primary" type="submit" busy={rename.isPending} disabled={!title.trim()}>
            {t('Save')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
