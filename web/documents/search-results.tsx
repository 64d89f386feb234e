import { useMemo, useState } from 'react'
import type { Answerability, SearchHit } from '../../contract/knowledge.ts'
import { EmptyState, Notice } from '../ui/state.tsx'
import { DocumentDialog } from './document-dialog.tsx'
import { layerLabels } from './layers.ts'
import { placeOf } from './place-of.ts'
import { createSnippet } from './snippet.ts'
import './search-results.css'

/** The passages that match a query, best first, with its words highlighted. Each opens on its page. */
export function SearchResults({
  query,
  results,
  answerable,
  showLayer,
}: {
  query: string
  results: SearchHit[]
  answerable: Answerability
  showLayer: boolean
}) {
  const [open, setOpen] = useState<SearchHit>()
  const passage = useMemo(() => open && { ...open, claim: query }, [open, query])
  if (results.length === 0) return <EmptyState title="No results" />
  return (
    <>
      {answerable !== 'yes' && (
        <Notice kind="warn">
          {answerable === 'no'
            ? 'No good match: these passages do not seem to answer the question.'
            : 'These passages are the closest ones found.'}
        </Notice>
      )}
      <ol className="rows" aria-label="Passages">
        {results.map((hit) => (
          <li key={`${hit.document_id} ${hit.passage}`} className="row">
            <button type="button" className="search-hit" onClick={() => setOpen(hit)}>
              <span className="row-title">
                <span className="truncate">{hit.title}</span>
                {hit.page !== null && (
                  <span className="row-facts">{placeOf({ ...hit, page: hit.page }).toLowerCase()}</span>
                )}
                {showLayer && <span className="row-facts">{layerLabels[hit.layer].title}</span>}
                <span className="search-hit-score" title="Relevance score">
                  {hit.score.toFixed(2)}
                </span>
              </span>
              <span className="search-hit-text">
                {createSnippet(hit.text, query).map((part, i) =>
                  part.isMatch ? <mark key={i}>{part.text}</mark> : part.text,
                )}
              </span>
            </button>
          </li>
        ))}
      </ol>
      {open && (
        <DocumentDialog
          documentId={open.document_id}
          title={open.title}
          passage={passage}
          onClose={() => setOpen(undefined)}
        />
      )}
    </>
  )
}
