import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { t } from '../languages/index.ts'
import { Button } from './button.tsx'
import { Dialog, DialogActions } from './dialog.tsx'
import { TextField } from './field.tsx'

/** Asks for a new title of at most `maxLength` characters. Closes when `onRename` has succeeded. */
export function RenameDialog({
  title,
  value,
  maxLength,
  onRename,
  onClose,
}: {
  title: string
  value: string
  maxLength: number
  onRename: (text: string) => Promise<unknown>
  onClose: () => void
}) {
  const [text, setText] = useState(value)
  const rename = useMutation({ mutationFn: () => onRename(text.trim()), onSuccess: onClose })
  return (
    <Dialog open onOpenChange={onClose} title={title}>
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim()) rename.mutate()
        }}
      >
        <TextField
          label={t('Title')}
          value={text}
          maxLength={maxLength}
          autoFocus
          error={rename.error?.message}
          onChange={(event) => setText(event.target.value)}
        />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button variant="primary" type="submit" busy={rename.isPending} disabled={!text.trim()}>
            {t('Save')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
