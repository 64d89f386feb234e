import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronDown, ChevronUp } from 'lucide-react'
import { useCallback, useRef, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { type Document, updateDocument } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { useApi, useServerStatus } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { SmallSelect } from '../ui/field.tsx'
import { RenameDialog } from '../ui/rename-dialog.tsx'
import { EmptyState } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'
import {
  type Arrangement,
  arrangeDocuments,
  type DocumentState,
  type SortColumn,
  stateLabels,
  stateOf,
} from './arrange-documents.ts'
import { DocumentDialog } from './document-dialog.tsx'
import { type DocumentAction, DocumentTableRow } from './document-table-row.tsx'
import { layerOptions } from './layers.ts'
import { useUploadQueue } from './upload-queue-context.tsx'
import { useDocumentChanges } from './use-document-changes.ts'
import { UsesDialog } from './uses-dialog.tsx'
import '../ui/table.css'
import './document-table.css'

/** Longer tables render only the rows in view. */
const maxRenderedRows = 200
const estimatedRowHeight = 41

/** A table of an avee's documents that can be sorted, filtered, selected, moved, replaced and deleted. */
export function DocumentTable({ avee, documents }: { avee: Avee; documents: Document[] }) {
  const showsLayer = !avee.is_library
  const hasEmbeddingModel = useServerStatus().data?.embedding_model != null
  const [arrangement, setArrangement] = useState<Arrangement>({
    column: 'added',
    isDescending: true,
    type: '',
    layer: '',
    state: '',
  })
  const arrange = (change: Partial<Arrangement>): void => setArrangement({ ...arrangement, ...change })
  const shown = arrangeDocuments(documents, arrangement, hasEmbeddingModel)
  const [selectedIds, setSelectedIds] = useState<ReadonlySet<string>>(new Set())
  const selected = shown.filter(({ id }) => selectedIds.has(id))
  const [dialog, setDialog] = useState<{ documents: Document[]; action: DocumentAction }>()
  const close = (): void => setDialog(undefined)
  const [first] = dialog?.documents ?? []
  const api = useApi()
  const { move, remove, refresh } = useDocumentChanges()
  const replacement = useReplacement(avee)

  const onSelect = useCallback(({ id }: Document, isSelected: boolean) => {
    setSelectedIds((ids) => {
      const changed = new Set(ids)
      if (isSelected) changed.add(id)
      else changed.delete(id)
      return changed
    })
  }, [])
  const moveTo = (moved: Document[], layer: Layer): void => move.mutate({ documents: moved, layer })
  const act = (document: Document, action: DocumentAction): void => {
    if (action === 'replace') replacement.choose(document)
    else setDialog({ documents: [document], action })
  }

  const frame = useRef<HTMLDivElement>(null)
  const isVirtual = shown.length > maxRenderedRows
  const virtualizer = useVirtualizer({
    count: shown.length,
    getScrollElement: () => frame.current,
    estimateSize: () => estimatedRowHeight,
    overscan: 12,
    enabled: isVirtual,
  })
  const items = virtualizer.getVirtualItems()
  const [from, to] = isVirtual ? [items[0]?.index ?? 0, (items.at(-1)?.index ?? -1) + 1] : [0, shown.length]
  const above = isVirtual ? (items[0]?.start ?? 0) : 0
  const below = isVirtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0

  const sortHead = (column: SortColumn, title: string, className = 'wide-only') => {
    const isSorted = arrangement.column === column
    const Icon = arrangement.isDescending ? ChevronDown : ChevronUp
    return (
      <th
        scope="col"
        className={className}
        aria-sort={isSorted ? (arrangement.isDescending ? 'descending' : 'ascending') : 'none'}
      >
        <button
          type="button"
          className="sort-button"
          onClick={() => arrange({ column, isDescending: isSorted && !arrangement.isDescending })}
        >
          {title}
          {isSorted && <Icon size={14} aria-hidden />}
        </button>
      </th>
    )
  }
  const types = [...new Set(documents.map(({ type }) => type))].toSorted()
  const states = [...new Set(documents.map((document) => stateOf(document, hasEmbeddingModel)))]
  return (
    <>
      {selected.length > 0 ? (
        <div className="document-filters" role="toolbar" aria-label={t('Selected documents')}>
          <span role="status">
            {t('{count, plural, one {# document} other {# documents}} selected', { count: selected.length })}
          </span>
          {showsLayer && (
            <SmallSelect
              label={t('Move to layer')}
              value=""
              disabled={move.isPending}
              onChange={(event) => moveTo(selected, event.target.value as Layer)}
            >
              <option value="" disabled>
                {t('Move to layer')}
              </option>
              {layerOptions.map((option) => (
                <option key={option.value} value={option.value}>
                  {t(option.title)}
                </option>
              ))}
            </SmallSelect>
          )}
          <Button small onClick={() => setDialog({ documents: selected, action: 'delete' })}>
            {t('Delete')}
          </Button>
          <Button small variant="quiet" onClick={() => setSelectedIds(new Set())}>
            {t('Cancel selection')}
          </Button>
        </div>
      ) : (
        documents.length > 1 && (
          <div className="document-filters">
            <SmallSelect
              label={t('Sort by')}
              className="phone-only"
              value={arrangement.column}
              onChange={(event) => {
                const column = event.target.value as SortColumn
                arrange({ column, isDescending: column === 'added' || column === 'size' })
              }}
            >
              <option value="added">{t('Newest first')}</option>
              <option value="name">{t('Name')}</option>
              <option value="type">{t('Type')}</option>
              <option value="size">{t('Largest first')}</option>
              <option value="state">{t('State')}</option>
            </SmallSelect>
            <SmallSelect
              label={t('Type')}
              value={arrangement.type}
              onChange={(event) => arrange({ type: event.target.value })}
            >
              <option value="">{t('All types')}</option>
              {types.map((type) => (
                <option key={type} value={type}>
                  {type.toUpperCase()}
                </option>
              ))}
            </SmallSelect>
            {showsLayer && (
              <SmallSelect
                label={t('Layer')}
                value={arrangement.layer}
                onChange={(event) => arrange({ layer: event.target.value as Layer | '' })}
              >
                <option value="">{t('All layers')}</option>
                {layerOptions.map(({ value, title }) => (
                  <option key={value} value={value}>
                    {t(title)}
                  </option>
                ))}
              </SmallSelect>
            )}
            {(states.length > 1 || arrangement.state !== '') && (
              <SmallSelect
                label={t('State')}
                value={arrangement.state}
                onChange={(event) => arrange({ state: event.target.value as DocumentState | '' })}
              >
                <option value="">{t('All states')}</option>
                {states.map((state) => (
                  <option key={state} value={state}>
                    {t(stateLabels[state])}
                  </option>
                ))}
              </SmallSelect>
            )}
          </div>
        )
      )}
      {shown.length === 0 ? (
        <EmptyState title={t('No results')} />
      ) : (
        <div ref={frame} className={classNames('table-frame', isVirtual && 'document-frame')}>
          <table
            className="table document-table"
            aria-label={t('Documents')}
            aria-rowcount={shown.length + 1}
          >
            <thead>
              <tr aria-rowindex={1}>
                <th scope="col" className="document-check">
                  <input
                    type="checkbox"
                    aria-label={t('Select all documents')}
                    checked={selected.length === shown.length}
                    onChange={(event) =>
                      setSelectedIds(new Set(event.target.checked ? shown.map(({ id }) => id) : []))
                    }
                  />
                </th>
                {sortHead('name', t('Name'), 'document-name')}
                {sortHead('type', t('Type'), 'wide-only narrow')}
                {showsLayer && sortHead('layer', t('Layer'))}
                {sortHead('size', t('Size'), 'wide-only number narrow')}
                {sortHead('added', t('Added'), 'wide-only number narrow')}
                {sortHead('state', t('State'))}
                <th scope="col" className="document-menu">
                  <span className="visually-hidden">{t('Actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {above > 0 && <tr aria-hidden style={{ height: above }} />}
              {shown.slice(from, to).map((document, i) => (
                <DocumentTableRow
                  key={document.id}
                  ref={isVirtual ? virtualizer.measureElement : null}
                  index={from + i}
                  document={document}
                  state={stateOf(document, hasEmbeddingModel)}
                  showLayer={showsLayer}
                  isSelected={selectedIds.has(document.id)}
                  isMoving={move.isPending}
                  onSelect={onSelect}
                  onMove={(moved, layer) => moveTo([moved], layer)}
                  onAction={act}
                />
              ))}
              {below > 0 && <tr aria-hidden style={{ height: below }} />}
            </tbody>
          </table>
        </div>
      )}
      {replacement.input}
      {dialog?.action === 'view' && first && (
        <DocumentDialog documentId={first.id} title={first.title} onClose={close} />
      )}
      {dialog?.action === 'uses' && first && <UsesDialog document={first} onClose={close} />}
      {dialog?.action === 'rename' && first && (
        <RenameDialog
          title={t('Rename document')}
          value={first.title}
          maxLength={300}
          onRename={(title) =>
            api.call(updateDocument, { params: { id: first.id }, body: { title } }).then(refresh)
          }
          onClose={close}
        />
      )}
      <ConfirmDialog
        open={dialog?.action === 'delete'}
        onOpenChange={close}
        title={
          dialog?.documents.length === 1
            ? t('Delete this document?')
            : t('Delete {count, plural, one {# document} other {# documents}}?', {
                count: dialog?.documents.length,
              })
        }
        action={t('Delete')}
        onConfirm={async () => {
          if (dialog) await remove(dialog.documents)
          setSelectedIds(new Set())
        }}
      >
        {dialog?.documents.length === 1
          ? t('“{title}” will be deleted. Answers that cite it keep their text.', { title: first?.title })
          : t('Answers that cite them keep their text.')}
      </ConfirmDialog>
    </>
  )
}

/** Uploads a new version of a document: a file under its name. */
function useReplacement(avee: Avee) {
  const uploads = useUploadQueue()
  const showToast = useToast()
  const input = useRef<HTMLInputElement>(null)
  const replaced = useRef<Document>(undefined)
  return {
    choose(document: Document): void {
      replaced.current = document
      if (!input.current) return
      input.current.accept = extensionOf(document.filename ?? '')
      input.current.click()
    },
    input: (
      <input
        ref={input}
        type="file"
        hidden
        onChange={(event) => {
          const file = event.target.files?.[0]
          event.target.value = ''
          const { filename, layer } = replaced.current ?? {}
          if (!file || !filename || !layer) return
          const extension = extensionOf(filename)
          if (extensionOf(file.name) !== extension)
            showToast(
              t('Choose a {extension} file. To use another type, add it as a new document.', { extension }),
              'bad',
            )
          else uploads.addFiles(avee.id, [new File([file], filename, { type: file.type })], layer)
        }}
      />
    ),
  }
}

const extensionOf = (filename: string): string => /\.\w+$/.exec(filename)?.[0].toLowerCase() ?? ''
