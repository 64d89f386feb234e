import { ChevronLeft, ChevronRight, ExternalLink } from 'lucide-react'
import { useEffect, useEffectEvent, useMemo } from 'react'
import { getDocumentFile } from '../../../contract/knowledge.ts'
import type { AvailableCitation } from '../../../contract/messages.ts'
import { useApi } from '../../api/react.tsx'
import { DocumentView } from '../../documents/document-view.tsx'
import { placeOf } from '../../documents/place-of.ts'
import { claimFor, findSupportingSentences } from '../../documents/supporting-sentences.ts'
import { t } from '../../languages/index.ts'
import { IconButton } from '../../ui/button.tsx'
import { isEmbedded } from '../../ui/embedded.ts'
import { isTyping } from '../../ui/is-typing.ts'
import { Notice } from '../../ui/state.tsx'
import './citation-panel.css'
import { SidePanel, SidePanelHeader } from './side-panel.tsx'
import './pager.css'
import './sources.css'

/** Citation `n` of an answer; `answer` is the answer's text. */
export type OpenCitation = { citations: AvailableCitation[]; n: number; answer: string }

/** Shows a cited passage on its page and switches between the answer's sources. */
export function CitationPanel({
  open,
  onChange,
}: {
  open: OpenCitation
  onChange: (open: OpenCitation | undefined) => void
}) {
  const api = useApi()
  const index = open.citations.findIndex((citation) => citation.n === open.n)
  const citation = open.citations[index]
  const passage = useMemo(() => {
    if (!citation) return undefined
    const claim = claimFor(open.answer, citation.n).trim()
    const isUnsupported = claim !== '' && findSupportingSentences(citation.text, claim).length === 0
    return { ...citation, claim, isUnsupported }
  }, [citation, open.answer])
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return
    if (event.key === 'j') show(open.citations[index + 1])
    if (event.key === 'k') show(open.citations[index - 1])
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKeyDown(event)
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [])
  if (!citation) return null
  function show(target: AvailableCitation | undefined): void {
    if (target) onChange({ ...open, n: target.n })
  }
  return (
    <SidePanel label={t('Source')} onClose={() => onChange(undefined)}>
      <SidePanelHeader
        title={
          <>
            <span className="source-number">{citation.n}</span>
            <span className="truncate" title={citation.title}>
              {citation.title}
            </span>
          </>
        }
        subtitle={
          <>
            <span>
              {citation.page === null ? t('Passage') : placeOf({ ...citation, page: citation.page })}
            </span>
            {citation.filename && citation.filename !== citation.title && (
              <span className="truncate">{citation.filename}</span>
            )}
          </>
        }
        onClose={() => onChange(undefined)}
      />
      <div className="side-panel-body" key={citation.document_id}>
        {passage?.isUnsupported && (
          <Notice kind="warn">
            {t(
              'No sentence of this passage matches what the answer says here. Check the statement before you rely on it.',
            )}
          </Notice>
        )}
        <DocumentView documentId={citation.document_id} passage={passage} />
      </div>
      <footer className="citation-footer">
        <span className="pager">
          <IconButton
            label={t('Previous source')}
            icon={ChevronLeft}
            small
            disabled={index <= 0}
            onClick={() => show(open.citations[index - 1])}
          />
          <span aria-live="polite">
            {index + 1}/{open.citations.length}
          </span>
          <IconButton
            label={t('Next source')}
            icon={ChevronRight}
            small
            disabled={index >= open.citations.length - 1}
            onClick={() => show(open.citations[index + 1])}
          />
        </span>
        {!isEmbedded() && (
          <a
            className="button button-quiet button-small"
            href={`${api.url(getDocumentFile, { params: { id: citation.document_id } })}${citation.page === null ? '' : `#page=${citation.page}`}`}
            target="_blank"
            rel="noopener"
          >
            <ExternalLink size={16} aria-hidden />
            {t('Open original')}
          </a>
        )}
      </footer>
    </SidePanel>
  )
}
