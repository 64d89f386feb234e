import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Import } from 'lucide-react'
import { useState } from 'react'
import { importConversations, importEvents } from '../../../contract/conversations.ts'
import { parseEvent } from '../../../contract/operation.ts'
import { ApiError, type Client, errorText, keys, RunReader, runIdOf } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { useFilePicker } from '../../ui/file-picker.tsx'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Imports the conversations of another program into the library of the user. */
export function ImportConversations() {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [progress, setProgress] = useState('')
  const upload = useMutation({
    mutationFn: (file: File) => importFile(api, file, setProgress),
    onSuccess: ({ imported, existing }) => {
      showToast(
        [
          t('Imported {count, plural, one {# conversation} other {# conversations}}.', { count: imported }),
          existing > 0 && t('{count} already imported.', { count: existing }),
        ]
          .filter(Boolean)
          .join(' '),
      )
    },
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: () => {
      setProgress('')
      void queries.invalidateQueries({ queryKey: keys.conversations })
    },
  })
  const picker = useFilePicker(
    { accept: '.json,.zip,application/json,application/zip', label: t('Export of another program') },
    ([file]) => upload.mutate(file),
  )
  return (
    <Section
      title={t('Import conversations')}
      text={t(
        'From ChatGPT, Claude, Open WebUI or LibreChat: the ZIP archive or JSON file of their export. The conversations become part of your library.',
      )}
      actions={
        <Button icon={Import} busy={upload.isPending} onClick={picker.open}>
          {t('Import conversations')}
        </Button>
      }
    >
      {progress && (
        <p className="soft small" role="status">
          {progress}
        </p>
      )}
      {picker.input}
    </Section>
  )
}

/** Uploads a file and resolves at the end of its run, also over a lost connection. */
async function importFile(client: Client, file: File, onProgress: (message: string) => void) {
  const body = new FormData()
  body.append('file', file)
  const response = await client.open(importConversations, { body })
  return await new Promise<{ imported: number; existing: number }>((resolve, reject) => {
    const onEvent = ({ data }: { data: Record<string, unknown> }) => {
      const parsed = parseEvent(importEvents, data)
      if (parsed.status !== 'valid') return
      const { event } = parsed
      if (event.kind === 'message') onProgress(event.data.message)
      if (event.kind === 'done') resolve(event.data)
      if (event.kind === 'stopped') reject(new ApiError(0, 'stopped', 'The import was stopped.'))
      if (event.kind === 'error') reject(new ApiError(0, event.data.error.code, errorText(event.data.error)))
    }
    new RunReader({ client, runId: runIdOf(response), onEvent }).adopt(response)
  })
}
