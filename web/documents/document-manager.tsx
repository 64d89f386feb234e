import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { FileText, Folder, Globe, Trash2, Type } from 'lucide-react'
import { type ReactNode, useDeferredValue, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { deleteDocument, listDocuments, restoreDocument } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { keys } from '../api/index.ts'
import { useApi, useIsAdmin, useServerStatus } from '../api/react.tsx'
import { Section } from '../shell/page.tsx'
import { Button } from '../ui/button.tsx'
import { SearchField, SmallSelect } from '../ui/field.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/state.tsx'
import { TrashDialog } from '../ui/trash-dialog.tsx'
import { AddTextDialog, AddUrlDialog } from './add-dialogs.tsx'
import { DocumentRow } from './document-row.tsx'
import { DropZone } from './file-drop.tsx'
import { AddFolderDialog, Folders } from './folders.tsx'
import { layerOptions } from './layers.ts'
import { RetrievalTest } from './retrieval-test.tsx'
import { useUploadQueue } from './upload-queue-context.tsx'

/** Adds, lists, searches and edits the documents of an avee that the user owns. */
export function DocumentManager({ avee }: { avee: Avee }) {
  const uploads = useUploadQueue()
  const [layer, setLayer] = useState<Layer>('intimate')
  const [adding, setAdding] = useState<'text' | 'url' | 'folder'>()
  const isAdmin = useIsAdmin()
  return (
    <>
      <Section
        title="Add documents"
        actions={
          !avee.is_library && (
            <SmallSelect
              label="Layer of new documents"
              value={layer}
              onChange={(event) => setLayer(event.target.value as Layer)}
            >
              {layerOptions.map((option) => (
                <option key={option.value} value={option.value}>
                  {option.title}: {option.description.toLowerCase()}
                </option>
              ))}
            </SmallSelect>
          )
        }
      >
        <DropZone onFiles={(files) => uploads.addFiles(avee.id, files, layer)}>
          <Button variant="quiet" icon={Type} onClick={() => setAdding('text')}>
            Add text
          </Button>
          <Button variant="quiet" icon={Globe} onClick={() => setAdding('url')}>
            Add web page
          </Button>
          {isAdmin && (
            <Button variant="quiet" icon={Folder} onClick={() => setAdding('folder')}>
              Sync folder
            </Button>
          )}
        </DropZone>
      </Section>
      {isAdmin && <Folders avee={avee} />}
      <DocumentList avee={avee} footer={<RetrievalTest avee={avee} />} />
      {adding === 'text' && <AddTextDialog avee={avee} layer={layer} onClose={() => setAdding(undefined)} />}
      {adding === 'folder' && (
        <AddFolderDialog avee={avee} layer={layer} onClose={() => setAdding(undefined)} />
      )}
      {adding === 'url' && <AddUrlDialog avee={avee} layer={layer} onClose={() => setAdding(undefined)} />}
    </>
  )
}

/** `footer` is rendered after the list has loaded, so that it does not move. */
function DocumentList({ avee, footer }: { avee: Avee; footer: ReactNode }) {
  const api = useApi()
  const [searchText, setSearchText] = useState('')
  const [showsTrash, setShowsTrash] = useState(false)
  const query = useDeferredValue(searchText.trim())
  const list = useInfiniteQuery({
    queryKey: keys.documentList(avee.id, query),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      api.call(listDocuments, {
        params: { id: avee.id },
        query: {
          limit: 50,
          ...(query ? { query } : {}),
          ...(pageParam ? { cursor: pageParam } : {}),
        },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
  const status = useServerStatus()
  const documents = list.data?.pages.flatMap((page) => page.documents) ?? []
  const isEmpty = list.isSuccess && documents.length === 0
  return (
    <>
      <Section
        title="Documents"
        actions={
          <>
            {(!isEmpty || query) && (
              <SearchField
                label="Search documents"
                value={searchText}
                onChange={(event) => setSearchText(event.target.value)}
              />
            )}
            <Button small variant="quiet" icon={Trash2} onClick={() => setShowsTrash(true)}>
              Trash
            </Button>
          </>
        }
      >
        {list.isPending ? (
          <div className="rows" role="status" aria-label="Loading documents">
            {['50%', '38%', '44%'].map((width) => (
              <div key={width} className="row">
                <div className="row-body">
                  <Skeleton width={width} height="1rem" />
                  <Skeleton width="25%" height="0.8rem" />
                </div>
              </div>
            ))}
          </div>
        ) : list.isError && !list.data ? (
          <ErrorState error={list.error} onRetry={() => void list.refetch()} />
        ) : isEmpty ? (
          <EmptyState icon={FileText} title={query ? 'No results' : 'No documents yet'}>
            {!query && `Add documents for ${avee.is_library ? 'answers' : avee.display_name} to use.`}
          </EmptyState>
        ) : (
          <>
            <ul className="rows">
              {documents.map((document) => (
                <DocumentRow
                  key={document.id}
                  document={document}
                  showLayer={!avee.is_library}
                  hasEmbeddingModel={status.data?.embedding_model != null}
                />
              ))}
            </ul>
            {list.hasNextPage && (
              <div>
                <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                  Show more
                </Button>
              </div>
            )}
          </>
        )}
      </Section>
      {!list.isPending && footer}
      {showsTrash && <DocumentTrash avee={avee} onClose={() => setShowsTrash(false)} />}
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
