import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Folder as FolderIcon, X } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { createFolder, deleteFolder, type Folder, listFolders } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { rich, t } from '../languages/index.ts'
import { Section } from '../shell/page.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Dialog, DialogActions } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { formatAlternatives, joinFacts } from '../ui/format.ts'
import { errorMessage, Notice } from '../ui/state.tsx'
import { layerLabels } from './layers.ts'

const pollIntervalMs = 5_000

/** The server folders that an avee syncs. Only administrators see them. */
export function Folders({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const list = useQuery({
    queryKey: keys.folders(avee.id),
    queryFn: () => api.call(listFolders, { params: { id: avee.id } }),
    refetchInterval: (query) => (query.state.data?.folders.length ? pollIntervalMs : false),
  })
  const hasFolders = (list.data?.folders.length ?? 0) > 0
  useEffect(() => {
    if (hasFolders) void queries.invalidateQueries({ queryKey: keys.documentLists(avee.id) })
  }, [hasFolders, list.dataUpdatedAt, avee.id, queries])
  if (!list.data || list.data.folders.length === 0) return null
  return (
    <Section title={t('Folders')} text={t('Changes in these folders are synced.')}>
      <ul className="rows" aria-label={t('Synced folders')}>
        {list.data.folders.map((folder) => (
          <FolderRow key={folder.id} avee={avee} folder={folder} />
        ))}
      </ul>
    </Section>
  )
}

function FolderRow({ avee, folder }: { avee: Avee; folder: Folder }) {
  const [isRemoving, setIsRemoving] = useState(false)
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
            joinFacts([
              t('{count, plural, one {# document} other {# documents}}', { count: folder.documents }),
              !avee.is_library && t(layerLabels[folder.layer].title),
              failed.length > 0 && t('{count} failed', { count: failed.length }),
            ])}
        </span>
        {failed.length > 0 && (
          <details className="small">
            <summary>{t('Failed files')}</summary>
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
          label={t('Stop syncing {path}', { path: folder.path })}
          icon={X}
          small
          onClick={() => setIsRemoving(true)}
        />
      </div>
      {isRemoving && <RemoveFolderDialog avee={avee} folder={folder} onClose={() => setIsRemoving(false)} />}
    </li>
  )
}

function RemoveFolderDialog({ avee, folder, onClose }: { avee: Avee; folder: Folder; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: (documents: 'keep' | 'remove') =>
      api.call(deleteFolder, { params: { id: avee.id, folder: folder.id }, query: { documents } }),
    onSuccess: async () => {
      onClose()
      await queries.invalidateQueries({ queryKey: keys.documents })
    },
  })
  return (
    <Dialog open onOpenChange={onClose} title={t('Stop syncing this folder?')}>
      <p className="soft">
        {t(
          'The files in the folder are not affected. You can keep or remove the {count, plural, one {# document} other {# documents}} created from it.',
          { count: folder.documents },
        )}
      </p>
      {remove.error && <Notice kind="bad">{errorMessage(remove.error)}</Notice>}
      <DialogActions>
        <Button onClick={onClose}>{t('Cancel')}</Button>
        <Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate('remove')}>
          {t('Remove documents')}
        </Button>
        <Button variant="primary" busy={remove.isPending} onClick={() => remove.mutate('keep')}>
          {t('Keep documents')}
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** Adds a server folder to sync. */
export function AddFolderDialog({ avee, layer, onClose }: { avee: Avee; layer: Layer; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const list = useQuery({
    queryKey: keys.folders(avee.id),
    queryFn: () => api.call(listFolders, { params: { id: avee.id } }),
  })
  const allowed = list.data?.allowed ?? []
  const [path, setPath] = useState('')
  const add = useMutation({
    mutationFn: () => api.call(createFolder, { params: { id: avee.id }, body: { path: path.trim(), layer } }),
    onSuccess: async () => {
      onClose()
      await queries.invalidateQueries({ queryKey: keys.folders(avee.id) })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (path.trim()) add.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Sync folder')}>
      {list.data && allowed.length === 0 ? (
        <>
          <p className="soft">
            {rich(
              'Keep documents in sync with a folder on the server. To allow it, restart the server with the folders in <code>WATCH_FOLDERS</code>, for example:',
              { code: (name) => <code>{name}</code> },
            )}
          </p>
          <code>WATCH_FOLDERS=~/Documents npm start</code>
          <DialogActions>
            <Button onClick={onClose}>{t('Close')}</Button>
          </DialogActions>
        </>
      ) : (
        <form onSubmit={submit} className="dialog-form">
          <TextField
            label={t('Folder on the server')}
            value={path}
            autoFocus
            list="folders-allowed"
            placeholder={allowed[0]}
            error={add.error ? errorMessage(add.error) : undefined}
            hint={t('Must be inside {folders}.', { folders: formatAlternatives(allowed) })}
            onChange={(event) => {
              setPath(event.target.value)
              add.reset()
            }}
          />
          <datalist id="folders-allowed">
            {allowed.map((folder) => (
              <option key={folder} value={folder} />
            ))}
          </datalist>
          <DialogActions>
            <Button onClick={onClose}>{t('Cancel')}</Button>
            <Button variant="primary" type="submit" busy={add.isPending} disabled={!path.trim()}>
              {t('Sync folder')}
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  )
}
