import { BookOpen, Ellipsis, ExternalLink, FileUp, Pencil, Trash2, Waypoints } from 'lucide-react'
import { memo, type Ref } from 'react'
import { type Document, getDocumentFile } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { useApi } from '../api/react.tsx'
import { t, useLanguage } from '../languages/index.ts'
import { IconButton } from '../ui/button.tsx'
import { SmallSelect } from '../ui/field.tsx'
import { formatBytes, formatFullTime, formatTime, joinFacts } from '../ui/format.ts'
import { Menu, MenuItem, MenuSeparator } from '../ui/menu.tsx'
import { Badge } from '../ui/state.tsx'
import { type DocumentState, stateLabels } from './arrange-documents.ts'
import { layerLabels, layerOptions } from './layers.ts'

export type DocumentAction = 'view' | 'uses' | 'rename' | 'replace' | 'delete'

/** One document: a row of the table, with two lines on phones. */
export const DocumentTableRow = memo(function DocumentTableRow({
  ref,
  index,
  document,
  state,
  showLayer,
  isSelected,
  isMoving,
  onSelect,
  onMove,
  onAction,
}: {
  ref: Ref<HTMLTableRowElement>
  /** The position in the list, from 0. */
  index: number
  document: Document
  state: DocumentState
  showLayer: boolean
  isSelected: boolean
  isMoving: boolean
  onSelect: (document: Document, isSelected: boolean) => void
  onMove: (document: Document, layer: Layer) => void
  onAction: (document: Document, action: DocumentAction) => void
}) {
  useLanguage()
  const api = useApi()
  const { id, title, filename, type, layer, bytes, created_at, source } = document
  const namedFile = filename?.startsWith(title) ? null : filename
  return (
    // The first row is the head.
    <tr ref={ref} data-index={index} aria-rowindex={index + 2} aria-selected={isSelected}>
      <td className="document-check">
        <input
          type="checkbox"
          aria-label={t('Select {title}', { title })}
          checked={isSelected}
          onChange={(event) => onSelect(document, event.target.checked)}
        />
      </td>
      <td>
        <div className="document-title">
          <button
            type="button"
            className="row-link truncate"
            dir="auto"
            title={title}
            onClick={() => onAction(document, 'view')}
          >
            {title}
          </button>
          {namedFile && (
            <span className="document-file truncate wide-only" dir="auto" title={namedFile}>
              {namedFile}
            </span>
          )}
        </div>
        <span className="row-facts truncate">
          {joinFacts([
            type.toUpperCase(),
            showLayer && t(layerLabels[layer].title),
            bytes > 0 && formatBytes(bytes),
            formatTime(created_at),
            state !== 'ready' && t(stateLabels[state]),
            namedFile,
          ])}
        </span>
      </td>
      <td className="wide-only">{type.toUpperCase()}</td>
      {showLayer && (
        <td className="wide-only">
          <SmallSelect
            label={t('Layer of {title}', { title })}
            value={layer}
            disabled={isMoving}
            onChange={(event) => onMove(document, event.target.value as Layer)}
          >
            {layerOptions.map((option) => (
              <option key={option.value} value={option.value}>
                {t(option.title)}
              </option>
            ))}
          </SmallSelect>
        </td>
      )}
      <td className="wide-only number">{bytes > 0 && formatBytes(bytes)}</td>
      <td className="wide-only number" title={formatFullTime(created_at)}>
        {formatTime(created_at)}
      </td>
      <td className="wide-only">
        {state === 'ready' ? (
          t('{count, plural, one {# passage} other {# passages}}', { count: document.passages })
        ) : (
          <Badge kind="warn">{t(stateLabels[state])}</Badge>
        )}
      </td>
      <td className="document-menu">
        <Menu
          trigger={
            <IconButton label={t('Actions for {title}', { title })} icon={Ellipsis} hint={false} small />
          }
        >
          <MenuItem icon={BookOpen} onSelect={() => onAction(document, 'view')}>
            {t('View')}
          </MenuItem>
          {(source === 'upload' || source === 'folder') && (
            <MenuItem icon={ExternalLink} href={api.url(getDocumentFile, { params: { id } })}>
              {t('Open original')}
            </MenuItem>
          )}
          <MenuItem icon={Waypoints} onSelect={() => onAction(document, 'uses')}>
            {t('Where used')}
          </MenuItem>
          <MenuItem icon={Pencil} onSelect={() => onAction(document, 'rename')}>
            {t('Rename')}
          </MenuItem>
          {source === 'upload' && filename !== null && (
            <MenuItem icon={FileUp} onSelect={() => onAction(document, 'replace')}>
              {t('Replace file')}
            </MenuItem>
          )}
          <MenuSeparator />
          <MenuItem icon={Trash2} danger onSelect={() => onAction(document, 'delete')}>
            {t('Delete')}
          </MenuItem>
        </Menu>
      </td>
    </tr>
  )
})
