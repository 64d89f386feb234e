import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { FilePlus2, Folder, Globe, Trash2, Type } from 'lucide-react'
import { useDeferredValue, useEffect, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { deleteDocument, listDocuments, restoreDocument } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { keys } from '../api/index.ts'
import { useApi, useIsAdmin } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Section } from '../shell/page.tsx'
import { Button } from '../ui/button.tsx'
import { SearchField, SmallSelect } from '../ui/field.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/state.tsx'
import { TrashDialog } from '../ui/trash-dialog.tsx'
import { AddTextDialog, AddUrlDialog } from './add-dialogs.tsx'
import { DocumentTable } from './document-table.tsx'
import { DropOverlay, DropZone, useDocumentPicker, useFileDrop } from './file-drop.tsx'
import { AddFolderDialog, Folders } from './folders.tsx'
import { layerOptions } from './layers.ts'
import { RetrievalTest } from './retrieval-test.tsx'
import { useUploadQueue } from './upload-queue-context.tsx'

const pageSize = 200

/** Adds, lists, searches and edits the documents of an avee that the user owns. */
export function DocumentManager({ avee }: { avee: Avee }) {
  const api = useApi()
  const uploads = useUploadQueue()
  const isAdmin = useIsAdmin()
  const [layer, setLayer] = useState<Layer>('intimate')
  const [dialog, setDialog] = useState<'text' | 'url' | 'folder' | 'trash'>()
  const close = (): void => setDialog(undefined)
  const [searchText, setSearchText] = useState('')
  const query = useDeferredValue(searchText.trim())
  const list = useInfiniteQuery({
    queryKey: keys.documentList(avee.id, query),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      api.call(listDocuments, {
        params: { id: avee.id },
        query: { limit: pageSize, ...(query ? { query } : {}), ...(cursor ? { cursor } : {}) },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
  // Sorting needs all documents.
  const { hasNextPage, isFetching, isError, fetchNextPage } = list
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage()
  }, [hasNextPage, isFetching, isError, fetchNextPage])
  const documents = list.data?.pages.flatMap((page) => page.documents) ?? []
  const isEmpty = list.isSuccess && documents.length === 0 && !query

  const addFiles = (files: File[]): void => uploads.addFiles(avee.id, files, layer)
  const isDragging = useFileDrop(isEmpty ? undefined : addFiles)
  const picker = useDocumentPicker(addFiles)
  const otherSources = (
    <>
      <Button small variant="quiet" icon={Type} onClick={() => setDialog('text')}>
        {t('Add text')}
      </Button>
      <Button small variant="quiet" icon={Globe} onClick={() => setDialog('url')}>
        {t('Add web page')}
      </Button>
      {isAdmin && (
        <Button small variant="quiet" icon={Folder} onClick={() => setDialog('folder')}>
          {t('Sync folder')}
        </Button>
      )}
    </>
  )
  return (
    <>
      {isDragging && (
        <DropOverlay
          text={
            avee.is_library
              ? t('Drop to add to your library')
              : t('Drop to add to {name}', { name: avee.display_name })
          }
        />
      )}
      {picker.input}
      {isAdmin && <Folders avee={avee} />}
      <Section
        title={t('Documents')}
        text={
          documents.length > 0 &&
          t('{count, plural, one {# document} other {# documents}}', { count: documents.length })
        }
        actions={
          <>
            {!isEmpty && (
              <SearchField
                label={t('Search documents')}
                value={searchText}
                onChange={(event) => setSearchText(event.target.value)}
              />
            )}
            {!avee.is_library && (
              <SmallSelect
                label={t('Layer of new documents')}
                value={layer}
                onChange={(event) => setLayer(event.target.value as Layer)}
              >
                {layerOptions.map((option) => (
                  <option key={option.value} value={option.value}>
                    {t('Add as: {layer}', { layer: t(option.title) })}
                  </option>
                ))}
              </SmallSelect>
            )}
            <div className="document-actions">
              {!isEmpty && (
                <>
                  <Button small icon={FilePlus2} onClick={picker.open}>
                    {t('Add files')}
                  </Button>
                  {otherSources}
                </>
              )}
              <Button small variant="quiet" icon={Trash2} onClick={() => setDialog('trash')}>
                {t('Trash')}
              </Button>
            </div>
          </>
        }
      >
        {list.isPending ? (
          <div className="stack-tight" role="status" aria-label={t('Loading documents')}>
            {['50%', '38%', '44%'].map((width) => (
              <Skeleton key={width} width={width} height="1.5rem" />
            ))}
          </div>
        ) : list.isError && !list.data ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : isEmpty ? (
          <DropZone onFiles={addFiles}>{otherSources}</DropZone>
        ) : documents.length === 0 ? (
          <EmptyState title={t('No results')} />
        ) : (
          <DocumentTable avee={avee} documents={documents} />
        )}
      </Section>
      {documents.length > 0 && <RetrievalTest avee={avee} />}
      {dialog === 'text' && <AddTextDialog avee={avee} layer={layer} onClose={close} />}
      {dialog === 'folder' && <AddFolderDialog avee={avee} layer={layer} onClose={close} />}
      {dialog === 'url' && <AddUrlDialog avee={avee} layer={layer} onClose={close} />}
      {dialog === 'trash' && <DocumentTrash avee={avee} onClose={close} />}
    </>
  )
}

function DocumentTrash({ avee, onClose }: { avee: Avee; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  return (
    <TrashDialog
      queryKey={keys.documentTrash(avee.id)}
      load={async (signal) => {
        const query = { trash: true, limit: 200 }
        const { documents } = await api.call(listDocuments, { params: { id: avee.id }, query, signal })
        return documents.map(({ id, title, restorable_until = '' }) => ({
          id,
          title,
          restorableUntil: restorable_until,
        }))
      }}
      restore={(id) => api.call(restoreDocument, { params: { id } })}
      remove={(id) => api.call(deleteDocument, { params: { id }, query: { permanent: true } })}
      onChange={() =>
        Promise.all([
          queries.invalidateQueries({ queryKey: keys.documents }),
          queries.invalidateQueries({ queryKey: keys.status }),
        ])
      }
      onClose={onClose}
    />
  )
}
