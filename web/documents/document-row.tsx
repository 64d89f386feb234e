import { useMutation, useQueryClient } from '@tanstack/react-query'
import { BookOpen, Ellipsis, ExternalLink, Pencil, Trash2 } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { type Document, deleteDocument, getDocumentFile, updateDocument } from '../../contract/knowledge.ts'
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

/** One document: what it is, who may see it, and what can be done with it. */
export function DocumentRow({
  document,
  showsLayer,
  searchesByMeaning,
}: {
  document: Document
  showsLayer: boolean
  /** Whether there is an embedding model, so that a document without vectors stands out. */
  searchesByMeaning: boolean
}) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const [asking, setAsking] = useState<'text' | 'rename' | 'delete'>()
  const close = (): void => setAsking(undefined)
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: keys.documents }),
      queries.invalidateQueries({ queryKey: keys.status }),
    ])

  const move = useMutation({
    mutationFn: (layer: Layer) => api.call(updateDocument, { params: { id: document.id }, body: { layer } }),
    onError: (error) => tell(errorMessage(error), 'bad'),
    onSettled: refresh,
  })

  return (
    <li className="row">
      <div className="row-body">
        <span className="row-title">
          <button type="button" className="row-link truncate" onClick={() => setAsking('text')}>
            {document.title}
          </button>
          {searchesByMeaning && !document.embedded && <Badge kind="warn">Found by words only</Badge>}
        </span>
        <span className="row-facts">{facts(document)}</span>
      </div>
      <div className="row-actions">
        {showsLayer && (
          <SmallSelect
            label={`Who may see ${document.title}`}
            value={move.isPending ? move.variables : document.layer}
            disabled={move.isPending}
            onChange={(event) => move.mutate(event.target.value as Layer)}
          >
            {layerOptions.map((choice) => (
              <option key={choice.value} value={choice.value}>
                {choice.title}
              </option>
            ))}
          </SmallSelect>
        )}
        <Menu trigger={<IconButton label={`Actions for ${document.title}`} icon={Ellipsis} hint={false} />}>
          <MenuItem icon={BookOpen} onSelect={() => setAsking('text')}>
            Read
          </MenuItem>
          {(document.source === 'upload' || document.source === 'folder') && (
            <MenuItem icon={ExternalLink} href={api.url(getDocumentFile, { params: { id: document.id } })}>
              Open the original
            </MenuItem>
          )}
          <MenuItem icon={Pencil} onSelect={() => setAsking('rename')}>
            Rename
          </MenuItem>
          <MenuSeparator />
          <MenuItem icon={Trash2} danger onSelect={() => setAsking('delete')}>
            Delete
          </MenuItem>
        </Menu>
      </div>
      {asking === 'text' && (
        <DocumentDialog documentId={document.id} title={document.title} onClose={close} />
      )}
      {asking === 'rename' && <RenameDialog document={document} onClose={close} onDone={refresh} />}
      <ConfirmDialog
        open={asking === 'delete'}
        onOpenChange={close}
        title="Delete this document?"
        action="Delete"
        onConfirm={async () => {
          await api.call(deleteDocument, { params: { id: document.id } })
          await refresh()
        }}
      >
        “{document.title}” and everything read from it will be gone for good. Answers that quote it keep their
        words.
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
  onDone,
}: {
  document: Document
  onClose: () => void
  onDone: () => Promise<unknown>
}) {
  const api = useApi()
  const [title, setTitle] = useState(document.title)
  const rename = useMutation({
    mutationFn: () =>
      api.call(updateDocument, { params: { id: document.id }, body: { title: title.trim() } }),
    onSuccess: async () => {
      onClose()
      await onDone()
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (title.trim()) rename.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title="Rename the document">
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
