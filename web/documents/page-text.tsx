import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useLayoutEffect, useRef } from 'react'
import { getDocumentText } from '../../contract/knowledge.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { ErrorState } from '../ui/state.tsx'
import { findPassage, type HighlightedPassage } from './find-passage.ts'
import { PageNavigation } from './page-navigation.tsx'
import { QuotedPassage } from './quoted-passage.tsx'
import { scrollIntoPanels } from './scroll-into-panels.ts'
import { findSupportingSentences } from './supporting-sentences.ts'
import { TextSkeleton } from './text-skeleton.tsx'

/**
 * The text of a document, page by page, as it was read; a passage is marked and scrolled to. When the document is gone
 * or has changed, the passage is shown as it was quoted, and that is said.
 */
export function PageText({
  documentId,
  passage,
  page,
  onTurn,
  children,
}: {
  documentId: string
  passage: HighlightedPassage | undefined
  /** The page turned to; undefined shows the passage's. */
  page: number | undefined
  onTurn: (page: number) => void
  children?: ReactNode
}) {
  const api = useApi()
  const text = useQuery({
    queryKey: keys.documentText(documentId),
    queryFn: () => api.call(getDocumentText, { params: { id: documentId } }),
    staleTime: 60_000,
  })
  const marked = useRef<HTMLElement>(null)

  const pages = text.data?.pages ?? []
  const shown = page ?? passage?.page ?? pages[0]?.page ?? 1
  const current = pages.find((one) => one.page === shown)
  const isPassagePage = passage !== undefined && shown === (passage.page ?? pages[0]?.page)
  const range = isPassagePage && current ? findPassage(current.text, passage) : undefined

  useLayoutEffect(() => {
    if (marked.current) scrollIntoPanels(marked.current.querySelector('strong') ?? marked.current)
  }, [range?.start, range?.end, documentId])

  if (text.isPending) return <TextSkeleton />
  if (text.isError) {
    if (!passage) return <ErrorState error={text.error} onRetry={() => void text.refetch()} />
    return <QuotedPassage text={passage.text} why="The document cannot be opened any more." />
  }
  return (
    <>
      {isPassagePage && !range && <QuotedPassage text={passage.text} why="The document has changed since." />}
      <PageNavigation pages={pages.map((one) => one.page)} shown={shown} onTurn={onTurn}>
        {children}
      </PageNavigation>
      <div className="document-text">
        {!current || current.text.trim() === '' ? (
          <span className="soft">There is no text on this page.</span>
        ) : range ? (
          <>
            {current.text.slice(0, range.start)}
            <mark ref={marked}>
              {withTelling(current.text.slice(range.start, range.end), passage?.claim)}
            </mark>
            {current.text.slice(range.end)}
          </>
        ) : (
          current.text
        )}
      </div>
    </>
  )
}

/** A passage, the sentences of it that say what is claimed set off. */
function withTelling(text: string, claim: string | undefined): ReactNode[] {
  const parts: ReactNode[] = []
  let at = 0
  for (const { start, end } of claim ? findSupportingSentences(text, claim) : []) {
    parts.push(text.slice(at, start), <strong key={start}>{text.slice(start, end)}</strong>)
    at = end
  }
  return [...parts, text.slice(at)]
}
