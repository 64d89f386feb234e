import { FileText } from 'lucide-react'
import { useState } from 'react'
import type { Citation } from '../../../contract/messages.ts'
import { placeOf } from '../../documents/place-of.ts'
import { message, t } from '../../languages/index.ts'
import './sources.css'

/** Explains why the document of a citation is not shown. */
export const hiddenCitationTexts = {
  deleted: message('Document deleted'),
  no_access: message('You no longer have access'),
}

/** The prompt of an answer without citations can have many passages. */
const firstRetrieved = 6

/** Lists the passages an answer cites, or all retrieved ones if it cites none. */
export function Sources({ citations, onOpen }: { citations: Citation[]; onOpen: (n: number) => void }) {
  const [showsAll, setShowsAll] = useState(false)
  if (citations.length === 0) return null
  // Either all citations are cited or none is.
  const isCiting = citations.every((citation) => citation.status !== 'available' || citation.cited)
  const shown = isCiting || showsAll ? citations : citations.slice(0, firstRetrieved)
  return (
    // A group, not a region: every answer has one.
    <div className="sources" role="group" aria-label={t('Sources')}>
      <h3>{isCiting ? t('Sources') : t('Retrieved passages')}</h3>
      <ul>
        {shown.map((citation) => (
          <li key={citation.n}>
            <Source citation={citation} onOpen={() => onOpen(citation.n)} />
          </li>
        ))}
        {shown.length < citations.length && (
          <li>
            <button type="button" className="source" onClick={() => setShowsAll(true)}>
              {t('Show more')}
            </button>
          </li>
        )}
      </ul>
    </div>
  )
}

function Source({ citation, onOpen }: { citation: Citation; onOpen: () => void }) {
  const number = <span className="source-number">{citation.n}</span>
  if (citation.status !== 'available')
    return (
      <span className="source source-hidden">
        {number}
        {t(hiddenCitationTexts[citation.status])}
      </span>
    )
  return (
    <button type="button" className="source" onClick={onOpen}>
      {number}
      <FileText size={14} aria-hidden />
      <span className="truncate">{citation.title}</span>
      {citation.page !== null && (
        <span className="source-page">{placeOf({ ...citation, page: citation.page }).toLowerCase()}</span>
      )}
    </button>
  )
}
