import { useMemo, useState } from 'react'
import type { SearchHit } from '../../contract/knowledge.ts'
import { EmptyState, Notice } from '../ui/state.tsx'
import './documents.css'
import { DocumentDialog } from './document-dialog.tsx'
import { layerLabels } from './layers.ts'
import { createSnippet } from './snippet.ts'

/** The passages a query found, best first, its words marked; each opens in the text of its page. */
export function SearchResults({
  query,
  results,
  answerable,
  showsLayer,
}: {
  query: string
  results: SearchHit[]
  answerable: boolean
  /** Whether layers tell anything here: a library has but one reader. */
  showsLayer: boolean
}) {
  const [open, setOpen] = useState<SearchHit>()
  const passage = useMemo(() => open && { ...open, claim: query }, [open, query])
  if (results.length === 0) return <EmptyState title="Nothing fits these words" />
  return (
    <>
      {!answerable && (
        <Notice kind="warn">
          Your documents do not answer this: none of these fits well, and an answer would say so.
        </Notice>
      )}
      <ol className="rows" aria-label="Passages found">
        {results.map((hit) => (
          <li key={`${hit.document_id} ${hit.passage}`} className="row">
            <button type="button" className="hit" onClick={() => setOpen(hit)}>
              <span className="row-title">
                <span className="truncate">{hit.title}</span>
                {hit.page !== null && <span className="row-facts">page {hit.page}</span>}
                {showsLayer && <span className="row-facts">{layerLabels[hit.layer].title}</span>}
                <span className="hit-score" title="How well it fits">
                  {hit.score.toFixed(2)}
                </span>
              </span>
              <span className="hit-text">
                {createSnippet(hit.text, query).map((piece, i) =>
                  piece.isMatch ? <mark key={i}>{piece.text}</mark> : piece.text,
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
