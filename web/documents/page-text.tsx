import { useQuery } from '@tanstack/react-query'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { IconButton } from '../ui/button.tsx'
import { ErrorState, Notice, Skeleton } from '../ui/state.tsx'
import './documents.css'
import { findPassage } from './passage-range.ts'

/** A passage to show in its place. */
export type ShownPassage = { page: number | null; start: number; end: number; text: string }

/**
 * The text of a document, page by page, as it was read; a passage is marked and scrolled to. When the document is gone
 * or has changed, the passage is shown as it was quoted, and that is said.
 */
export function PageText({
  documentId,
  passage,
}: {
  documentId: string
  passage?: ShownPassage | undefined
}) {
  const api = useApi()
  const text = useQuery({
    queryKey: keys.documentText(documentId),
    queryFn: () => api.documents.text(documentId),
    staleTime: 60_000,
  })
  const [page, setPage] = useState<number>()
  useEffect(() => setPage(undefined), [documentId, passage])
  const marked = useRef<HTMLElement>(null)

  const pages = text.data?.pages ?? []
  const shown = page ?? passage?.page ?? pages[0]?.page ?? 1
  const at = pages.findIndex((one) => one.page === shown)
  const current = pages[at]
  const isPassagePage = passage !== undefined && shown === (passage.page ?? pages[0]?.page)
  const range = isPassagePage && current ? findPassage(current.text, passage) : undefined

  useLayoutEffect(() => {
    if (marked.current) showWithin(marked.current)
  }, [range?.start, range?.end, documentId])

  if (text.isPending) {
    return (
      <div className="document-text" role="status" aria-label="Loading the text">
        {['100%', '96%', '98%', '60%', '0', '97%', '94%', '99%', '40%'].map((width, i) => (
          <p key={i}>
            <Skeleton width={width} height="0.9rem" />
          </p>
        ))}
      </div>
    )
  }
  if (text.isError) {
    if (!passage) return <ErrorState error={text.error} onRetry={() => void text.refetch()} />
    return (
      <>
        <Notice kind="warn">
          The document cannot be opened any more. This is the passage as it was quoted.
        </Notice>
        <p className="document-text">
          <mark>{passage.text}</mark>
        </p>
      </>
    )
  }
  return (
    <>
      {isPassagePage && !range && (
        <>
          <Notice kind="warn">The document has changed since. This is the passage as it was quoted:</Notice>
          <p className="document-text">
            <mark>{passage.text}</mark>
          </p>
        </>
      )}
      {pages.length > 1 && (
        <div className="page-turner">
          <IconButton
            label="Previous page"
            icon={ChevronLeft}
            small
            hint={false}
            disabled={at <= 0}
            onClick={() => setPage(pages[at - 1]?.page)}
          />
          <span aria-live="polite">
            Page {shown} of {pages.at(-1)?.page}
          </span>
          <IconButton
            label="Next page"
            icon={ChevronRight}
            small
            hint={false}
            disabled={at === -1 || at >= pages.length - 1}
            onClick={() => setPage(pages[at + 1]?.page)}
          />
        </div>
      )}
      <div className="document-text">
        {!current || current.text.trim() === '' ? (
          <span className="soft">There is no text on this page.</span>
        ) : range ? (
          <>
            {current.text.slice(0, range.start)}
            <mark ref={marked}>{current.text.slice(range.start, range.end)}</mark>
            {current.text.slice(range.end)}
          </>
        ) : (
          current.text
        )}
      </div>
    </>
  )
}

/** Room above a passage for the page turner. */
const above = 64

/** Scrolls only the panel that holds the passage: its middle into the middle, or its beginning when it is long. */
function showWithin(mark: HTMLElement): void {
  let panel = mark.parentElement
  while (panel && panel.scrollHeight <= panel.clientHeight) panel = panel.parentElement
  if (!panel || panel === document.documentElement) return
  const top = mark.getBoundingClientRect().top - panel.getBoundingClientRect().top + panel.scrollTop
  panel.scrollTop = top - Math.max(above, (panel.clientHeight - mark.offsetHeight) / 2)
}
