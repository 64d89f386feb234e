import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Folder as FolderIcon, X } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { createFolder, deleteFolder, type Folder, listFolders } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { Section } from '../shell/page.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Dialog, DialogActions } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { formatCount } from '../ui/format.ts'
import { errorMessage, Notice } from '../ui/state.tsx'
import { layerLabels } from './layers.ts'

/** Often enough to see a folder's files come in. */
const lookEveryMs = 5_000

/** The folders of the server's machine that an avee follows. Only who administers the server sees them. */
export function Folders({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const list = useQuery({
    queryKey: keys.folders(avee.id),
    queryFn: () => api.call(listFolders, { params: { id: avee.id } }),
    refetchInterval: (query) => (query.state.data?.folders.length ? lookEveryMs : false),
  })
  const isFollowing = (list.data?.folders.length ?? 0) > 0
  useEffect(() => {
    if (isFollowing) void queries.invalidateQueries({ queryKey: keys.documentLists(avee.id) })
  }, [isFollowing, list.dataUpdatedAt, avee.id, queries])
  if (!list.data || list.data.folders.length === 0) return null
  return (
    <Section title="Folders" text="What changes in them on this machine changes here.">
      <ul className="rows" aria-label="Folders that are followed">
        {list.data.folders.map((folder) => (
          <FolderRow key={folder.id} avee={avee} folder={folder} />
        ))}
      </ul>
    </Section>
  )
}

function FolderRow({ avee, folder }: { avee: Avee; folder: Folder }) {
  const [isLeaving, setIsLeaving] = useState(false)
  const { failed } = folder
  return (
    <li className="row">
      <FolderIcon size={18} aria-hidden />
      <div className="row-body">
        <span className="row-title">
          <span className="truncate" title={folder.path}>
            {folder.path}
          </span>
        </span>
        <span className={folder.problem ? 'field-error' : 'row-facts'}>
          {folder.problem ??
            [
              formatCount(folder.documents, 'document'),
              !avee.is_library && layerLabels[folder.layer].title,
              failed.length > 0 && `${failed.length} not readable`,
            ]
              .filter(Boolean)
              .join(' · ')}
        </span>
        {failed.length > 0 && (
          <details className="small">
            <summary>What could not be read</summary>
            <ul>
              {failed.map(({ path, message }) => (
                <li key={path} className="soft">
                  {path}: {message}
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
      <div className="row-actions">
        <IconButton
          label={`Stop following ${folder.path}`}
          icon={X}
          small
          onClick={() => setIsLeaving(true)}
        />
      </div>
      {isLeaving && <LeaveFolderDialog avee={avee} folder={folder} onClose={() => setIsLeaving(false)} />}
    </li>
  )
}

function LeaveFolderDialog({ avee, folder, onClose }: { avee: Avee; folder: Folder; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const leave = useMutation({
    mutationFn: (documents: 'keep' | 'remove') =>
      api.call(deleteFolder, { params: { id: avee.id, folder: folder.id }, query: { documents } }),
    onSuccess: async () => {
      onClose()
      await queries.invalidateQueries({ queryKey: keys.documents })
    },
  })
  return (
    <Dialog open onOpenChange={onClose} title="Stop following this folder?">
      <p className="soft">
        Its files stay where they are. Its {formatCount(folder.documents, 'document')} here can stay as they
        are now, or go.
      </p>
      {leave.error && <Notice kind="bad">{errorMessage(leave.error)}</Notice>}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button variant="danger" busy={leave.isPending} onClick={() => leave.mutate('remove')}>
          Remove the documents
        </Button>
        <Button variant="primary" busy={leave.isPending} onClick={() => leave.mutate('keep')}>
          Keep the documents
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** A folder of the server's machine to follow. */
export function AddFolderDialog({ avee, layer, onClose }: { avee: Avee; layer: Layer; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const list = useQuery({
    queryKey: keys.folders(avee.id),
    queryFn: () => api.call(listFolders, { params: { id: avee.id } }),
  })
  const allowed = list.data?.allowed ?? []
  const [path, setPath] = useState('')
  const follow = useMutation({
    mutationFn: () => api.call(createFolder, { params: { id: avee.id }, body: { path: path.trim(), layer } }),
    onSuccess: async () => {
      onClose()
      await queries.invalidateQueries({ queryKey: keys.folders(avee.id) })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (path.trim()) follow.mutate()
  }
  if (list.data && allowed.length === 0) {
    return (
      <Dialog open onOpenChange={onClose} title="Follow a folder">
        <p className="soft">
          Documents can follow a folder of this machine: what is added, changed or deleted there is so here.
          For that, name the folders that may be followed in the setting <code>WATCH_FOLDERS</code> and start
          the server again, for example:
        </p>
        <code>WATCH_FOLDERS=~/Documents npm start</code>
        <DialogActions>
          <Button onClick={onClose}>Close</Button>
        </DialogActions>
      </Dialog>
    )
  }
  return (
    <Dialog open onOpenChange={onClose} title="Follow a folder">
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label="Folder on this machine"
          value={path}
          autoFocus
          list="folders-allowed"
          placeholder={allowed[0]}
          error={follow.error ? errorMessage(follow.error) : undefined}
          hint={`It has to be within ${allowed.join(' or ')}.`}
          onChange={(event) => {
            setPath(event.target.value)
            follow.reset()
          }}
        />
        <datalist id="folders-allowed">
          {allowed.map((folder) => (
            <option key={folder} value={folder} />
          ))}
        </datalist>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" busy={follow.isPending} disabled={!path.trim()}>
            Follow
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
