import { FileText } from 'lucide-react'
import type { Citation } from '../../../contract/chat.ts'
import './sources.css'

/** Lists the passages an answer cites, or all retrieved ones if it cites none. */
export function Sources({ citations, onOpen }: { citations: Citation[]; onOpen: (n: number) => void }) {
  const cited = citations.filter((citation) => citation.cited)
  const shown = cited.length > 0 ? cited : citations
  if (shown.length === 0) return null
  return (
    <section className="sources" aria-label="Sources">
      <h3>{cited.length > 0 ? 'Sources' : 'Retrieved passages'}</h3>
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
