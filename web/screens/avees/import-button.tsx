import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Import } from 'lucide-react'
import { useRef } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { importAvee } from '../../../contract/cards.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Button } from '../../ui/button.tsx'
import { formatCount } from '../../ui/format.ts'
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
      const added = documents > 0 ? ` Adding ${formatCount(documents, 'document')}.` : ''
      showToast(`${avee.display_name} was imported.${added}${left ? ` Left out: ${left}.` : ''}`)
      onImported(avee)
    },
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  return (
    <>
      <Button icon={Import} busy={upload.isPending} onClick={() => input.current?.click()}>
        Import
      </Button>
      <input
        ref={input}
        type="file"
        aria-label="Character card or .avee file"
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
