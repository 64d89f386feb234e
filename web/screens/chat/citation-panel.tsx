import { ChevronLeft, ChevronRight, ExternalLink, X } from 'lucide-react'
import { useEffect, useMemo, useRef } from 'react'
import type { Citation } from '../../../contract/chat.ts'
import { getDocumentFile } from '../../../contract/knowledge.ts'
import { useApi } from '../../api/react.tsx'
import { DocumentView } from '../../documents/document-view.tsx'
import { claimFor } from '../../documents/supporting-sentences.ts'
import { IconButton } from '../../ui/button.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { narrowScreen, useMediaQuery } from '../../ui/media.ts'

/** `answer` is the text that names the sources. */
export type OpenCitation = { citations: Citation[]; n: number; answer: string }

/** The passage behind a number, in the text of its page: beside the conversation, or on phones a sheet over it. */
export function CitationPanel({
  open,
  onChange,
}: {
  open: OpenCitation
  onChange: (open: OpenCitation | undefined) => void
}) {
  const isNarrow = useMediaQuery(narrowScreen)
  const content = <Passage open={open} onChange={onChange} />
  if (isNarrow) {
    return (
      <Sheet open onOpenChange={(isOpen) => !isOpen && onChange(undefined)} title="Source">
        {content}
      </Sheet>
    )
  }
  return (
    <aside
      className="citation-panel"
      aria-label="Source"
      onKeyDown={(event) => event.key === 'Escape' && onChange(undefined)}
    >
      {content}
    </aside>
  )
}

function Passage({
  open,
  onChange,
}: {
  open: OpenCitation
  onChange: (open: OpenCitation | undefined) => void
}) {
  const api = useApi()
  const heading = useRef<HTMLHeadingElement>(null)
  const at = open.citations.findIndex((citation) => citation.n === open.n)
  const citation = open.citations[at]

  // The panel takes the focus when it opens and gives it back when it closes.
  useEffect(() => {
    const before = document.activeElement
    heading.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])

  const passage = useMemo(
    () => citation && { ...citation, claim: claimFor(open.answer, citation.n) },
    [citation, open.answer],
  )
  if (!citation) return null
  const show = (index: number): void => {
    const next = open.citations[index]
    if (next) onChange({ ...open, n: next.n })
  }
  return (
    <>
      <header className="citation-head">
        <div className="citation-title">
          <h2 ref={heading} tabIndex={-1}>
            <span className="source-number">{citation.n}</span>
            <span className="truncate" title={citation.title}>
              {citation.title}
            </span>
          </h2>
          <p className="citation-place">
            <span>{citation.page === null ? 'Passage' : `Page ${citation.page}`}</span>
            {citation.filename && citation.filename !== citation.title && (
              <span className="truncate">{citation.filename}</span>
            )}
          </p>
        </div>
        <IconButton label="Close" icon={X} hint={false} onClick={() => onChange(undefined)} />
      </header>
      <div className="citation-body" key={citation.document_id}>
        <DocumentView documentId={citation.document_id} passage={passage} />
      </div>
      <footer className="citation-foot">
        <span className="alternatives">
          <IconButton
            label="Previous source"
            icon={ChevronLeft}
            small
            disabled={at <= 0}
            onClick={() => show(at - 1)}
          />
          <span aria-live="polite">
            {at + 1}/{open.citations.length}
          </span>
          <IconButton
            label="Next source"
            icon={ChevronRight}
            small
            disabled={at >= open.citations.length - 1}
            onClick={() => show(at + 1)}
          />
        </span>
        <a
          className="button button-quiet button-small"
          href={`${api.url(getDocumentFile, { params: { id: citation.document_id } })}#page=${citation.page}`}
          target="_blank"
          rel="noopener"
        >
          <ExternalLink size={16} aria-hidden />
          Open the original
        </a>
      </footer>
    </>
  )
}
