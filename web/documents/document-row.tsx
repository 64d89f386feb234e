import { useMutation, useQueryClient } from '@tanstack/react-query'
import { BookOpen, Ellipsis, ExternalLink, Pencil, Trash2 } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import {
  type Document,
  deleteDocument,
  getDocumentFile,
  restoreDocument,
  updateDocument,
} from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../ui/dialog.tsx'
import { SmallSelect, TextField } from '../ui/field.tsx'
import { formatBytes, formatCount, formatTime } from '../ui/format.ts'
import { Menu, MenuItem, MenuSeparator } from '../ui/menu.tsx'
import { Badge, errorMessage } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'
import { DocumentDialog } from './document-dialog.tsx'
import { layerOptions } from './layers.ts'
import './document-row.css'

/** One document with its layer and actions. */
export function DocumentRow({
  document,
  showLayer,
  hasEmbeddingModel,
}: {
  document: Document
  showLayer: boolean
  /** With an embedding model, a badge marks documents that have no vectors yet. */
  hasEmbeddingModel: boolean
}) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [dialog, setDialog] = useState<'view' | 'rename' | 'delete'>()
  const close = (): void => setDialog(undefined)
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: keys.documents }),
      queries.invalidateQueries({ queryKey: keys.status }),
    ])

  const move = useMutation({
    mutationFn: (layer: Layer) => api.call(updateDocument, { params: { id: document.id }, body: { layer } }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })

  const restore = useMutation({
    mutationFn: () => api.call(restoreDocument, { params: { id: document.id } }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })

  return (
    <li className="row">
      <div className="row-body">
        <span className="row-title">
          <button type="button" className="row-link truncate" onClick={() => setDialog('view')}>
            {document.title}
          </button>
          {hasEmbeddingModel && !document.embedded && <Badge kind="warn">Keyword search only</Badge>}
        </span>
        <span className="row-facts">{facts(document)}</span>
      </div>
      <div className="row-actions">
        {showLayer && (
          <SmallSelect
            label={`Layer of ${document.title}`}
            value={move.isPending ? move.variables : document.layer}
            disabled={move.isPending}
            onChange={(event) => move.mutate(event.target.value as Layer)}
          >
            {layerOptions.map((option) => (
              <option key={option.value} value={option.value}>
                {option.title}
              </option>
            ))}
          </SmallSelect>
        )}
        <Menu trigger={<IconButton label={`Actions for ${document.title}`} icon={Ellipsis} hint={false} />}>
          <MenuItem icon={BookOpen} onSelect={() => setDialog('view')}>
            View
          </MenuItem>
          {(document.source === 'upload' || document.source === 'folder') && (
            <MenuItem icon={ExternalLink} href={api.url(getDocumentFile, { params: { id: document.id } })}>
              Open original
            </MenuItem>
          )}
          <MenuItem icon={Pencil} onSelect={() => setDialog('rename')}>
            Rename
          </MenuItem>
          <MenuSeparator />
          <MenuItem icon={Trash2} danger onSelect={() => setDialog('delete')}>
            Delete
          </MenuItem>
        </Menu>
      </div>
      {dialog === 'view' && (
        <DocumentDialog documentId={document.id} title={document.title} onClose={close} />
      )}
      {dialog === 'rename' && <RenameDialog document={document} onClose={close} onRenamed={refresh} />}
      <ConfirmDialog
        open={dialog === 'delete'}
        onOpenChange={close}
        title="Delete this document?"
        action="Delete"
        onConfirm={async () => {
          const { receipt } = await api.call(deleteDocument, { params: { id: document.id } })
          await refresh()
          if (receipt.restorable_until !== null)
            showToast('Document deleted', 'good', { label: 'Undo', onSelect: () => restore.mutate() })
        }}
      >
        “{document.title}” will be deleted. Answers that cite it keep their text.
      </ConfirmDialog>
    </li>
  )
}

function facts(document: Document): string {
  return [
    document.filename !== document.title && document.filename,
    document.type.toUpperCase(),
    document.pages > 0 && formatCount(document.pages, 'page'),
    formatCount(document.passages, 'passage'),
    document.bytes > 0 && formatBytes(document.bytes),
    formatTime(document.created_at),
  ]
    .filter(Boolean)
    .join(' · ')
}

function RenameDialog({
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
    <Dialog open onOpenChange={onClose} title="Rename document">
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label="Title"
          value={title}
          maxLength={300}
          autoFocus
          error={rename.error?.message}
          onChange={(event) => setTitle(event.target.value)}
        />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" busy={rename.isPending} disabled={!title.trim()}>
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
