import { FileText } from 'lucide-react'
import type { Citation } from '../../../contract/chat.ts'

/** The passages an answer names, under it; without any, those it was given. */
export function Sources({ citations, onOpen }: { citations: Citation[]; onOpen: (n: number) => void }) {
  const named = citations.filter((citation) => citation.cited)
  const shown = named.length > 0 ? named : citations
  if (shown.length === 0) return null
  return (
    <section className="sources" aria-label="Sources">
      <h3>{named.length > 0 ? 'Sources' : 'Passages it was given'}</h3>
      <ul>
        {shown.map((citation) => (
          <li key={citation.n}>
            <button type="button" className="source" onClick={() => onOpen(citation.n)}>
              <span className="source-number">{citation.n}</span>
              <FileText size={14} aria-hidden />
              <span className="truncate">{citation.title}</span>
              {citation.page !== null && <span className="source-page">page {citation.page}</span>}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
