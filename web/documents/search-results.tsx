import { Brain, FileText, MessageSquare } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useMemo, useState } from 'react'
import { Link } from 'wouter'
import type { Answerability } from '../../contract/knowledge.ts'
import type { DocumentResult, SearchResult } from '../../contract/search.ts'
import { t } from '../languages/index.ts'
import { formatTime } from '../ui/format.ts'
import { Avatar, EmptyState, Notice } from '../ui/state.tsx'
import { DocumentDialog } from './document-dialog.tsx'
import { layerLabels } from './layers.ts'
import { placeOf } from './place-of.ts'
import './search-results.css'

/**
 * The results of a search, best first, with the words of the query highlighted. A passage opens on its page; a
 * conversation and a memory open on their screens. The arrow keys move between results.
 */
export function SearchResults({
  query,
  results,
  answerable,
  showAvee = false,
}: {
  query: string
  results: SearchResult[]
  answerable: Answerability
  showAvee?: boolean
}) {
  const [open, setOpen] = useState<DocumentResult>()
  const passage = useMemo(() => open && { ...open, claim: query }, [open, query])
  if (results.length === 0) return <EmptyState title={t('No results')} />
  const hasDocumentsOnly = results.every(({ kind }) => kind === 'document')
  return (
    <>
      {answerable !== 'yes' && hasDocumentsOnly && (
        <Notice kind="warn">
          {answerable === 'no'
            ? t('No good match: these passages probably do not answer the question.')
            : t('These are the closest passages found.')}
        </Notice>
      )}
      <ol className="rows" aria-label={t('Results')} onKeyDown={moveFocus}>
        {results.map((result) => (
          <li key={keyOf(result)} className="row">
            {result.kind === 'document' ? (
              <button type="button" className="search-hit" onClick={() => setOpen(result)}>
                <ResultText result={result} showAvee={showAvee} />
              </button>
            ) : (
              <Link className="search-hit" href={addressOf(result)}>
                <ResultText result={result} showAvee={showAvee} />
              </Link>
            )}
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

const icons = {
  document: () => <FileText size={16} aria-label={t('Document')} />,
  conversation: () => <MessageSquare size={16} aria-label={t('Conversation')} />,
  memory: () => <Brain size={16} aria-label={t('Memory')} />,
}

function ResultText({ result, showAvee }: { result: SearchResult; showAvee: boolean }) {
  const { avee, snippet, score } = result
  return (
    <>
      <span className="row-title">
        {icons[result.kind]()}
        <span className="truncate" dir="auto">
          {titleOf(result)}
        </span>
        {factsOf(result, showAvee && avee.handle !== 'local').map((fact, i) => (
          <span key={i} className="row-facts">
            {fact}
          </span>
        ))}
        <span className="search-hit-score" title={t('Relevance score')}>
          {score.toFixed(2)}
        </span>
      </span>
      <span className="search-hit-text" dir="auto">
        {snippet.map((part, i) => (part.is_match ? <mark key={i}>{part.text}</mark> : part.text))}
      </span>
    </>
  )
}

function titleOf(result: SearchResult): string {
  if (result.kind === 'memory') return t('Memory')
  return result.title ?? t('New conversation')
}

/** Returns the details shown beside the title of a result. */
function factsOf(result: SearchResult, showAvee: boolean): ReactNode[] {
  const facts: ReactNode[] = showAvee ? [<AveeFact key="avee" avee={result.avee} />] : []
  if (result.kind !== 'document') return [...facts, formatTime(result.created_at)]
  if (result.page !== null) facts.unshift(placeOf({ ...result, page: result.page }))
  if (result.avee.handle !== 'local') facts.push(t(layerLabels[result.layer].title))
  return facts
}

const AveeFact = ({ avee }: Pick<SearchResult, 'avee'>) => (
  <span className="search-hit-avee" dir="auto">
    <Avatar name={avee.display_name} picture={avee.avatar} size={16} />
    {avee.display_name}
  </span>
)

const keyOf = (result: SearchResult): string => {
  if (result.kind === 'document') return `${result.document_id} ${result.passage}`
  return result.kind === 'conversation' ? result.conversation_id : result.memory_id
}

function addressOf(result: Exclude<SearchResult, DocumentResult>): string {
  if (result.kind === 'memory') return `/memory?${new URLSearchParams({ query: result.text })}`
  const message = result.message_id === null ? '' : `?message=${result.message_id}`
  return `/chat/${result.avee.handle}/${result.conversation_id}${message}`
}

/** Moves the focus to the next or previous result. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step === undefined) return
  const hits = [...event.currentTarget.querySelectorAll<HTMLElement>('.search-hit')]
  const next = hits[hits.findIndex((hit) => hit === document.activeElement) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}
