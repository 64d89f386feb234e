import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Import } from 'lucide-react'
import { useRef } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { importAvee } from '../../../contract/cards.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Creates an avee from a character card or an .avee file. */
export function ImportButton({ onImported }: { onImported: (avee: Avee) => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const input = useRef<HTMLInputElement>(null)
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
          left && t('Left out: {fields}.', { fields: left }),
        ]
          .filter(Boolean)
          .join(' '),
      )
      onImported(avee)
    },
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  return (
    <>
      <Button icon={Import} busy={upload.isPending} onClick={() => input.current?.click()}>
        {t('Import')}
      </Button>
      <input
        ref={input}
        type="file"
        aria-label={t('Character card or .avee file')}
        accept=".json,.png,.charx,.avee,application/json,image/png"
        hidden
        onChange={(event) => {
          const file = event.target.files?.[0]
          event.target.value = ''
          if (file) upload.mutate(file)
        }}
      />
    </>
  )
}
