import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { listAttachments } from '../../../contract/attachments.ts'
import { type Document, deleteDocument } from '../../../contract/knowledge.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { DocumentView } from '../../documents/document-view.tsx'
import { t } from '../../languages/index.ts'
import { Row } from '../../shell/row.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { formatBytes } from '../../ui/format.ts'

/** Shows and deletes the attachments of a conversation. */
export function FilesDialog({ conversationId, onClose }: { conversationId: string; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [open, setOpen] = useState<Document>()
  const list = useQuery({
    queryKey: keys.attachments(conversationId),
    queryFn: () => api.call(listAttachments, { params: { id: conversationId }, query: {} }),
  })
  const remove = useMutation({
    mutationFn: (id: string) => api.call(deleteDocument, { params: { id }, query: {} }),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: keys.attachments(conversationId) }),
        queries.invalidateQueries({ queryKey: keys.messages(conversationId) }),
      ]),
  })
  const files = list.data?.attachments ?? []
  const error = remove.error ?? list.error
  if (open)
    return (
      <Dialog open onOpenChange={() => setOpen(undefined)} title={open.filename ?? open.title} wide>
        <DocumentView documentId={open.id} />
      </Dialog>
    )
  return (
    <Dialog open onOpenChange={onClose} title={t('Files of this conversation')}>
      {error && (
        <p className="field-error" role="alert">
          {error.message}
        </p>
      )}
      {list.data && files.length === 0 && <p className="soft">{t('No files attached.')}</p>}
      <ul className="rows">
        {files.map((file) => (
          <Row
            key={file.id}
            title={
              <Button small variant="quiet" onClick={() => setOpen(file)}>
                {file.filename ?? file.title}
              </Button>
            }
            facts={formatBytes(file.bytes)}
          >
            <IconButton
              label={t('Delete {name}', { name: file.filename ?? file.title })}
              icon={Trash2}
              small
              disabled={remove.isPending}
              onClick={() => remove.mutate(file.id)}
            />
          </Row>
        ))}
      </ul>
    </Dialog>
  )
}
