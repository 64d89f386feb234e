import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Import } from 'lucide-react'
import type { Avee } from '../../../contract/avees.ts'
import { importAvee } from '../../../contract/cards.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { useFilePicker } from '../../ui/file-picker.tsx'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Creates an avee from a character card or an .avee file. */
export function ImportButton({ onImported }: { onImported: (avee: Avee) => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const upload = useMutation({
    mutationFn: (file: File) => {
      const body = new FormData()
      body.append('file', file)
      return api.call(importAvee, { body })
    },
    onSuccess: ({ avee, documents, not_taken_over }) => {
      void queries.invalidateQueries({ queryKey: keys.avees })
      const left = not_taken_over.map(({ field }) => field.replaceAll('_', ' ')).join(', ')
      showToast(
        [
          t('{name} was imported.', { name: avee.display_name }),
          documents > 0 &&
            t('Adding {count, plural, one {# document} other {# documents}}.', { count: documents }),
          left && t('Not imported: {fields}.', { fields: left }),
        ]
          .filter(Boolean)
          .join(' '),
      )
      onImported(avee)
    },
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  const picker = useFilePicker(
    {
      accept: '.json,.png,.charx,.avee,application/json,image/png',
      label: t('Character card or .avee file'),
    },
    ([file]) => upload.mutate(file),
  )
  return (
    <>
      <Button icon={Import} busy={upload.isPending} onClick={picker.open}>
        {t('Import')}
      </Button>
      {picker.input}
    </>
  )
}
